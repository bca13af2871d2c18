package kumiko.runtime.machine;

/** The sums of the lanes of sixteen vectors, side by side. */
final class LaneSums {
  private static final int EVEN = 0x88;
  private static final int ODD = 0xdd;
  private static final int VECTORS = 16;

  private LaneSums() {}

  /** Lane i of register 0 becomes the sum of the lanes of register i, for registers 0 to 15; 16 and 17 are used on the way. */
  static void emit(Assembler code) {
    for (int i = 0; i < VECTORS; i += 2) {
      code.vpunpckldq(16, i, i + 1);
      code.vpunpckhdq(17, i, i + 1);
      code.vaddps(i, 16, 17);
    }
    for (int i = 0; i < VECTORS; i += 4) {
      code.vpunpcklqdq(16, i, i + 2);
      code.vpunpckhqdq(17, i, i + 2);
      code.vaddps(i, 16, 17);
    }
    // Each quarter of register 4 i now has sums of its own of four vectors.
    for (int i = 0; i < VECTORS; i += 8) {
      add(code, i, i + 4);
    }
    add(code, 0, 8);
  }

  /** Neighbouring quarters of {@code a}, then of {@code b}, added, into {@code a}. */
  private static void add(Assembler code, int a, int b) {
    code.vshufi32x4(16, a, b, EVEN);
    code.vshufi32x4(17, a, b, ODD);
    code.vaddps(a, 16, 17);
  }
}
