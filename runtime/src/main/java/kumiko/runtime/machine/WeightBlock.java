package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.RAX;

import kumiko.runtime.tensor.DType;

/** Stored types of 32 weights with a scale in float16 before them: {@link DType#Q8_0} and {@link DType#Q4_0}. */
enum WeightBlock {
  Q8_0(DType.Q8_0) {
    @Override
    void prepare(Assembler code) {}

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
  Q4_0(DType.Q4_0) {
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
  };

  static final int SCALE_BYTES = 2;

  private static final int TABLE = 31;
  private static final int UPPER = 30;
  private static final int MANY = 29;
  private static final int MANY_AND_8 = 28;

  /** {@code target & a | b} of {@code vpternlogd}. */
  private static final int BOTH_OR_THIRD = 0xea;

  private final DType type;

  WeightBlock(DType type) {
    this.type = type;
  }

  DType type() {
    return type;
  }

  int bytes() {
    return type.blockBytes();
  }

  /** Before all loops; RAX, and vectors 1 and 28 to 31, are used. */
  abstract void prepare(Assembler code);

  /** The weights of a block, without their scale, into two vectors. */
  abstract void load(Assembler code, int target, Address block);

  /** Into every lane; a register below 16. What is read behind the scale belongs to the block. */
  void scale(Assembler code, int target, Address block) {
    code.vcvtph2psFour(target, block);
    code.vbroadcastss(target, target);
  }
}
