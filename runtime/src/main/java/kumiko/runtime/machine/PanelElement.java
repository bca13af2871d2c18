package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R11;

/** What a panel holds in each 32 bits, and how vectors of it meet a weight. */
enum PanelElement {
  /** A float32, by {@code vfmadd231ps} (AVX512F). */
  SINGLE("avx512", 1, true) {
    @Override
    void broadcast(Assembler code, int target, Address weight) {
      code.vbroadcastss(target, weight);
    }

    @Override
    void broadcastLast(Assembler code, int target, Address weight) {
      throw new IllegalStateException("columns of single elements come out even");
    }

    @Override
    void multiply(Assembler code, int sum, int panel, int weight) {
      code.vfmadd231ps(sum, panel, weight);
    }

    @Override
    void multiplyEach(Assembler code, int sum, int panel, Address weight) {
      code.vfmadd231psEach(sum, panel, weight);
    }
  },
  /**
   * Two bf16 of neighbouring columns, by {@code vdpbf16ps} (AVX512BW, AVX512_BF16).
   *
   * <p>A result is the sum of its products in the order k = 1, 0, 3, 2, ..., each added with one rounding (Intel's manual; seen so on Zen
   * 4, bit by bit); numbers below 2^-126 count as zero, going in and coming out.
   */
  PAIR("avx512_bf16", 2, false) {
    @Override
    void broadcast(Assembler code, int target, Address weight) {
      code.vpbroadcastd(target, weight);
    }

    @Override
    void broadcastLast(Assembler code, int target, Address weight) {
      code.vpbroadcastw(target, LOWER_HALVES, weight);
    }

    @Override
    void multiply(Assembler code, int sum, int panel, int weight) {
      code.vdpbf16ps(sum, panel, weight);
    }

    @Override
    void multiplyEach(Assembler code, int sum, int panel, Address weight) {
      throw new IllegalStateException("what has instructions for pairs has room for their weights");
    }
  };

  /** Number of a mask. */
  private static final int LOWER_HALVES = 1;

  static final int BYTES = Integer.BYTES;

  private final String instructions;
  private final int columns;
  private final boolean sumsApart;

  PanelElement(String instructions, int columns, boolean sumsApart) {
    this.instructions = instructions;
    this.columns = columns;
    this.sumsApart = sumsApart;
  }

  /** By the name of the processor's flag. */
  String instructions() {
    return instructions;
  }

  /** Columns in an element. */
  int columns() {
    return columns;
  }

  /** Whether a piece of the columns is summed from zero and then added to the result, or continues the result's sum. */
  boolean sumsApart() {
    return sumsApart;
  }

  /** Before {@link #broadcastLast}; R11 and a mask are used. */
  static void prepareLast(Assembler code) {
    code.mov(R11, 0x5555_5555);
    code.kmovd(LOWER_HALVES, R11);
  }

  /** A weight, of as many columns, into all lanes. */
  abstract void broadcast(Assembler code, int target, Address weight);

  /** The last column where an element lacks the others: what lies behind it is not read and counts as zero. */
  abstract void broadcastLast(Assembler code, int target, Address weight);

  abstract void multiply(Assembler code, int sum, int panel, int weight);

  /** With one weight in memory, where no register is left for it. */
  abstract void multiplyEach(Assembler code, int sum, int panel, Address weight);
}
