package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.RAX;

/** Weights of two neighbouring columns, sixteen of each, into the elements of a panel for {@link TileRows} that are their parts. */
final class PartCode {
  /** Bytes from one part of a step of a panel to the next. */
  static final int APART = TileRows.STEP / 2 * TileRows.SUM_BYTES;

  private static final int ROUND = 20;
  private static final int UPPER = 21;

  /** Vectors of the numbers of bf16 that are taken from two vectors of weights, in the upper halves. */
  private static final int PART = 16;

  private static final int LOWER = 18;
  private static final int HALF = 0x8000;
  private static final int UPPER_BITS = 0xffff_0000;

  /** {@code target | a & b} of {@code vpternlogd}. */
  private static final int OR_AND = 0xf8;

  private PartCode() {}

  /** Before {@link #emit}, which leaves them; RAX is used. */
  static void constants(Assembler code) {
    code.mov(RAX, HALF);
    code.vpbroadcastd(ROUND, RAX);
    code.mov(RAX, UPPER_BITS);
    code.vpbroadcastd(UPPER, RAX);
  }

  /** Of the weights in registers {@code low} and {@code low + 1}, which are changed; 16 to 18 are used. */
  static void emit(Assembler code, int low, int parts, Address to) {
    for (int part = 0; part < parts; part++) {
      boolean isLast = part == parts - 1;
      for (int i = 0; i < 2 && !isLast; i++) {
        code.vpaddd(PART + i, low + i, ROUND);
        code.vpandd(PART + i, PART + i, UPPER);
        code.vsubps(low + i, low + i, PART + i);
      }
      int from = isLast ? low : PART;
      code.vpsrld(LOWER, from, Short.SIZE);
      code.vpternlogd(LOWER, from + 1, UPPER, OR_AND);
      code.vmovups(to.plus(part * APART), LOWER);
    }
  }
}
