package kumiko.runtime.machine;

/** Turns a square of 16 x 16 elements of 32 bits, a row in each vector register. */
final class SquareTurn {
  private static final int EVEN = 0x88;
  private static final int ODD = 0xdd;

  private SquareTurn() {}

  /** Element j of register i and element i of register j change places, for registers 0 to 15; 16 to 31 are used on the way. */
  static void emit(Assembler code) {
    for (int i = 0; i < 16; i += 2) {
      code.vpunpckldq(16 + i, i, i + 1);
      code.vpunpckhdq(17 + i, i, i + 1);
    }
    for (int i = 0; i < 16; i += 4) {
      code.vpunpcklqdq(i, 16 + i, 18 + i);
      code.vpunpckhqdq(i + 1, 16 + i, 18 + i);
      code.vpunpcklqdq(i + 2, 17 + i, 19 + i);
      code.vpunpckhqdq(i + 3, 17 + i, 19 + i);
    }
    // Quarter b of register 4 g + j is now column 4 b + j of rows 4 g to 4 g + 3.
    for (int j = 0; j < 4; j++) {
      code.vshufi32x4(16 + j, j, 4 + j, EVEN);
      code.vshufi32x4(20 + j, j, 4 + j, ODD);
      code.vshufi32x4(24 + j, 8 + j, 12 + j, EVEN);
      code.vshufi32x4(28 + j, 8 + j, 12 + j, ODD);
    }
    for (int j = 0; j < 4; j++) {
      code.vshufi32x4(j, 16 + j, 24 + j, EVEN);
      code.vshufi32x4(4 + j, 20 + j, 28 + j, EVEN);
      code.vshufi32x4(8 + j, 16 + j, 24 + j, ODD);
      code.vshufi32x4(12 + j, 20 + j, 28 + j, ODD);
    }
  }
}
