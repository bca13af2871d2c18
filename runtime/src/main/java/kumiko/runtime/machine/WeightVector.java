package kumiko.runtime.machine;

import kumiko.runtime.tensor.DType;

/** Stored types of which sixteen neighbouring weights become a vector of float32 by themselves. */
enum WeightVector {
  F32(DType.F32) {
    @Override
    void load(Assembler code, int target, int mask, Address source) {
      code.vmovups(target, mask, source);
    }

    @Override
    void loadHalf(Assembler code, int register, Address source) {
      code.loadHalf(register, source);
    }

    @Override
    void loadOne(Assembler code, int register, Address source, Register room) {
      code.loadOne(register, source);
    }
  },
  BF16(DType.BF16) {
    @Override
    void load(Assembler code, int target, int mask, Address source) {
      code.vpmovzxwd(target, mask, source);
      code.vpslld(target, target, Short.SIZE);
    }

    @Override
    void loadHalf(Assembler code, int register, Address source) {
      code.widenHalf(register, source);
      code.shiftLeftHalf(register, register, Short.SIZE);
    }

    @Override
    void loadOne(Assembler code, int register, Address source, Register room) {
      code.movzx(room, source, Short.BYTES);
      code.shl(room, Short.SIZE);
      code.loadOne(register, room);
    }
  },
  F16(DType.F16) {
    @Override
    void load(Assembler code, int target, int mask, Address source) {
      code.vcvtph2ps(target, mask, source);
    }

    @Override
    void loadHalf(Assembler code, int register, Address source) {
      code.convertHalf(register, source);
    }

    @Override
    void loadOne(Assembler code, int register, Address source, Register room) {
      code.movzx(room, source, Short.BYTES);
      code.loadOne(register, room);
      code.convertOne(register);
    }
  },
  /** Without the unit of their row. */
  I8_ROWS(DType.I8_ROWS) {
    @Override
    void load(Assembler code, int target, int mask, Address source) {
      code.vpmovsxbd(target, mask, source);
      code.vcvtdq2ps(target, target);
    }

    @Override
    void loadHalf(Assembler code, int register, Address source) {
      code.widenBytesHalf(register, source);
      code.numbersHalf(register);
    }

    @Override
    void loadOne(Assembler code, int register, Address source, Register room) {
      code.movzx(room, source, Byte.BYTES);
      code.shl(room, Integer.SIZE - Byte.SIZE);
      code.loadOne(register, room);
      code.shiftRightHalf(register, Integer.SIZE - Byte.SIZE);
      code.numbersHalf(register);
    }
  };

  static final int LANES = 16;

  private final DType type;

  WeightVector(DType type) {
    this.type = type;
  }

  DType type() {
    return type;
  }

  /** Bytes of a vector of weights. */
  int bytes() {
    return LANES * type.blockBytes();
  }

  /** Of weights outside of the mask nothing is read, and they are zero; a mask of 0 stands for all. */
  abstract void load(Assembler code, int target, int mask, Address source);

  /** Eight weights to a register of half a vector. */
  abstract void loadHalf(Assembler code, int register, Address source);

  /** One weight, and zeros. */
  abstract void loadOne(Assembler code, int register, Address source, Register room);
}
