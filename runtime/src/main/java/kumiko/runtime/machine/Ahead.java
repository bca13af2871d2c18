package kumiko.runtime.machine;

import kumiko.runtime.tensor.DType;

/**
 * How code asks memory ahead for weights, which pass by once: without, each row and each page of memory begins with a wait. The two differ
 * in what they were measured to be best for, by turns, in programs that are not kept.
 */
enum Ahead {
  /**
   * Far ahead into the second-level cache, and what comes soon once more into the nearest, so that code which does more than load and add
   * has it there in time. On Intel's Sapphire Rapids bf16 came from 90 to 93 % of what memory gives, f16 from 86 to 92.
   */
  TWICE(12 << 10, 4 << 10) {
    @Override
    void far(Assembler code, Address line) {
      code.prefetcht1(line);
    }

    @Override
    void near(Assembler code, Address line) {
      code.prefetcht0(line);
    }
  },

  /**
   * Once, into the nearest cache and no other: what passes by once need not drive anything out of those. On AMD's Zen 5 asking twice costs a
   * C program that only adds 12 %; by turns decoding took 4 to 9 % less time than so with bf16, 3 % and more with f16, with eight rows of
   * activations 5 to 12 % less with bf16. Of that 3 % with q8_0, q4_0 and small models, and 4 % with eight rows and float32, are because no
   * other cache is filled.
   */
  ONCE(8 << 10, 8 << 10) {
    @Override
    void far(Assembler code, Address line) {
      code.prefetchnta(line);
    }

    @Override
    void near(Assembler code, Address line) {}
  };

  /** How far ahead the second time. */
  static final int NEAR = 1024;

  private static final String AMD = "AuthenticAMD";

  private final int bytes;
  private final int singleBytes;

  Ahead(int bytes, int singleBytes) {
    this.bytes = bytes;
    this.singleBytes = singleBytes;
  }

  static Ahead of(Processor processor) {
    return processor.vendor().equals(AMD) ? ONCE : TWICE;
  }

  /** At least so far ahead, where that is not a matter of rows. */
  int bytes() {
    return bytes;
  }

  /** The same in whole rows of {@code stride} bytes: when they are nearer they are needed too soon. */
  long rowBytes(DType type, long stride) {
    long least = type == DType.F32 ? singleBytes : bytes;
    long row = Math.max(1, stride);
    return Math.min(Integer.MAX_VALUE, Math.ceilDiv(least, row) * row);
  }

  /** Asks for a line that is needed later. */
  abstract void far(Assembler code, Address line);

  /** Asks for a line that is needed soon, and that was asked for before. */
  abstract void near(Assembler code, Address line);
}
