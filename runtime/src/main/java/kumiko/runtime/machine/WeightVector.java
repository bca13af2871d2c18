package kumiko.runtime.machine;

import kumiko.runtime.tensor.DType;

/** Stored types of which sixteen neighbouring weights become a vector of float32 by themselves. */
enum WeightVector {
  F32(DType.F32) {
    @Override
    void load(Assembler code, int target, int mask, Address source) {
      code.vmovups(target, mask, source);
    }
  },
  BF16(DType.BF16) {
    @Override
    void load(Assembler code, int target, int mask, Address source) {
      code.vpmovzxwd(target, mask, source);
      code.vpslld(target, target, 16);
    }
  },
  F16(DType.F16) {
    @Override
    void load(Assembler code, int target, int mask, Address source) {
      code.vcvtph2ps(target, mask, source);
    }
  },
  /** Without the unit of their row. */
  I8_ROWS(DType.I8_ROWS) {
    @Override
    void load(Assembler code, int target, int mask, Address source) {
      code.vpmovsxbd(target, mask, source);
      code.vcvtdq2ps(target, target);
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
}
