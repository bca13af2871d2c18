package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.RAX;

import kumiko.runtime.tensor.DType;

/** Stored types of 32 weights with a scale in float16 before them: {@link DType#Q8_0} and {@link DType#Q4_0}. */
enum WeightBlock {
  Q8_0(DType.Q8_0, 128, 1) {
    @Override
    void prepare(Assembler code) {}

    @Override
    void prepareDigits(Assembler code) {
      code.mov(RAX, 0x8080_8080);
      code.vpbroadcastd(DIGIT_MASK, RAX);
    }

    @Override
    void broadcast(Assembler code, int target, int mask, Address bytes) {
      code.vbroadcasti64x4(target, mask, bytes);
    }

    @Override
    void gather(Assembler code, int target, int table, int mask, Address group) {
      broadcast(code, target, 0, group.plus(SCALE_BYTES));
      broadcast(code, target, mask, group.plus(bytes() + SCALE_BYTES));
    }

    @Override
    byte[] gatherTable() {
      return new byte[VECTOR_BYTES];
    }

    @Override
    int gatheredAlone() {
      return 1;
    }

    @Override
    void digits(Assembler code, int weights) {
      code.vpxord(weights, weights, DIGIT_MASK);
    }

    @Override
    void putConstants(Assembler code) {}

    @Override
    void loadScaled(Assembler code, int target, int free, Address block, Register constants) {
      broadcastScale(code, free, block);
      load(code, target, block);
      for (int half = 0; half < 2; half++) {
        code.vmulps(target + half, target + half, free);
      }
    }

    @Override
    void load(Assembler code, int target, Address block) {
      for (int half = 0; half < 2; half++) {
        code.vpmovsxbd(target + half, 0, block.plus(SCALE_BYTES + half * WeightVector.LANES));
        code.vcvtdq2ps(target + half, target + half);
      }
    }
  },
  /**
   * The lower four bits of a byte are looked up in a table of their numbers less 8; the upper four become a number's last bits: of 2^19
   * those that count 1 to 8.
   */
  Q4_0(DType.Q4_0, 8, 2) {
    @Override
    void prepare(Assembler code) {
      code.mov(RAX, 0xfffe_fdfc_fbfa_f9f8L);
      code.vmovq(1, RAX);
      code.mov(RAX, 0x0706_0504_0302_0100L);
      code.vpinsrq(1, 1, RAX);
      code.vpmovsxbd(TABLE, 1);
      code.vcvtdq2ps(TABLE, TABLE);
      code.mov(RAX, 0xf0);
      code.vpbroadcastd(UPPER, RAX);
      code.mov(RAX, Float.floatToRawIntBits(0x1p19f));
      code.vpbroadcastd(MANY, RAX);
      code.mov(RAX, Float.floatToRawIntBits(0x1p19f + 8));
      code.vpbroadcastd(MANY_AND_8, RAX);
    }

    @Override
    void load(Assembler code, int target, Address block) {
      code.vpmovzxbd(target + 1, 0, block.plus(SCALE_BYTES));
      code.vpermps(target, target + 1, TABLE);
      code.vpternlogd(target + 1, UPPER, MANY, BOTH_OR_THIRD);
      code.vsubps(target + 1, target + 1, MANY_AND_8);
    }

    @Override
    void prepareDigits(Assembler code) {
      code.mov(RAX, 0x0f0f_0f0f);
      code.vpbroadcastd(DIGIT_MASK, RAX);
    }

    @Override
    void broadcast(Assembler code, int target, int mask, Address bytes) {
      code.vbroadcasti32x4(target, mask, bytes);
    }

    @Override
    void gather(Assembler code, int target, int table, int mask, Address group) {
      // The last 64 bytes have all but the beginning of the first block.
      code.vpermb(target, table, group.plus(groupBytes() - VECTOR_BYTES));
      broadcast(code, target, mask, group.plus(SCALE_BYTES));
    }

    @Override
    byte[] gatherTable() {
      byte[] table = new byte[VECTOR_BYTES];
      int weights = bytes() - SCALE_BYTES;
      for (int i = weights; i < table.length; i++) {
        table[i] = (byte) (i / weights * bytes() + SCALE_BYTES + i % weights - (groupBytes() - VECTOR_BYTES));
      }
      return table;
    }

    @Override
    int gatheredAlone() {
      return 0;
    }

    @Override
    void digits(Assembler code, int weights) {
      code.vpsrlw(weights + 1, weights, 4);
      code.vpandd(weights, weights, DIGIT_MASK);
      code.vpandd(weights + 1, weights + 1, DIGIT_MASK);
    }

    @Override
    void putConstants(Assembler code) {
      for (int lane = 0; lane < WeightVector.LANES; lane++) {
        code.putInt(0x0f);
      }
      for (int lane = 0; lane < WeightVector.LANES; lane++) {
        code.putInt(Float.floatToRawIntBits(-offset()));
      }
    }

    @Override
    void loadScaled(Assembler code, int target, int free, Address block, Register constants) {
      broadcastScale(code, free, block);
      code.vmulps(free + 1, free, Address.at(constants, VECTOR_BYTES));
      code.vpmovzxbd(target, 0, block.plus(SCALE_BYTES));
      code.vpsrld(target + 1, target, 4);
      code.vpandd(target, target, Address.at(constants, 0));
      for (int half = 0; half < 2; half++) {
        code.vcvtdq2ps(target + half, target + half);
        code.vfmadd213ps(target + half, free, free + 1);
      }
    }
  };

  /** Columns of a block. */
  static final int COLUMNS = 2 * WeightVector.LANES;

  static final int SCALE_BYTES = 2;

  private static final int VECTOR_BYTES = 64;
  private static final int DIGIT_MASK = 31;

  private static final int TABLE = 31;
  private static final int UPPER = 30;
  private static final int MANY = 29;
  private static final int MANY_AND_8 = 28;

  /** {@code target & a | b} of {@code vpternlogd}. */
  private static final int BOTH_OR_THIRD = 0xea;

  private final DType type;
  private final int offset;
  private final int halves;

  WeightBlock(DType type, int offset, int halves) {
    this.type = type;
    this.offset = offset;
    this.halves = halves;
  }

  DType type() {
    return type;
  }

  int bytes() {
    return type.blockBytes();
  }

  /** What a weight is more than itself after {@link #digits}. */
  int offset() {
    return offset;
  }

  /** Weights in a byte. */
  int halves() {
    return halves;
  }

  /** Blocks that fill a vector. */
  int together() {
    return VECTOR_BYTES / (bytes() - SCALE_BYTES);
  }

  int groupColumns() {
    return together() * COLUMNS;
  }

  int groupBytes() {
    return together() * bytes();
  }

  /** Of a group, see {@link BlockPackCode}. */
  int packedBytes(int digits) {
    return (digits * halves + 2) * VECTOR_BYTES;
  }

  /** Before {@link #digits}; RAX and vector 31 are used. */
  abstract void prepareDigits(Assembler code);

  /** The bytes of a block into every part of a vector that a block fills; an element outside of the mask stays. */
  abstract void broadcast(Assembler code, int target, int mask, Address bytes);

  /** The weights of a whole group, without their scales, one block after the other. */
  abstract void gather(Assembler code, int target, int table, int mask, Address group);

  /** The table of {@link #gather}. */
  abstract byte[] gatherTable();

  /** The block whose elements the mask of {@link #gather} has. */
  abstract int gatheredAlone();

  /** A vector of a group's bytes becomes its weights, not negative: one vector for each half. */
  abstract void digits(Assembler code, int weights);

  /** Before all loops; RAX, and vectors 1 and 28 to 31, are used. */
  abstract void prepare(Assembler code);

  /** The weights of a block, without their scale, into two vectors. */
  abstract void load(Assembler code, int target, Address block);

  /** Behind code that calls {@link #loadScaled}. */
  abstract void putConstants(Assembler code);

  /**
   * The weights of a block in two vectors; two vectors from {@code free} on are used.
   *
   * @param constants address of what {@link #putConstants} wrote
   */
  abstract void loadScaled(Assembler code, int target, int free, Address block, Register constants);

  private static void broadcastScale(Assembler code, int target, Address block) {
    code.vpbroadcastw(target, 0, block);
    code.vcvtph2ps(target, target);
  }

  /** Into every lane; a register below 16. What is read behind the scale belongs to the block. */
  void scale(Assembler code, int target, Address block) {
    code.vcvtph2psFour(target, block);
    code.vbroadcastss(target, target);
  }
}
