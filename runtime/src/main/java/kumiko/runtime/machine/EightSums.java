package kumiko.runtime.machine;

/** {@link EightSumCode} of one kind of weights, for each number of rows of sums. */
final class EightSums {
  /**
   * Rows of weights of a block: of as many weights as GPT-2 124M has in a row, 24 to 200 KB, beside those that come next. The same wherever
   * weights lie, as sums depend on it. A C program that reads layers of 768 by 3072 took as long with 8 and 32 rows, within 10 %.
   */
  private static final int BLOCK = 16;

  private final WeightVector type;

  /** By rows of sums, from 2. */
  private final Routine[] routines = new Routine[EightSumCode.MOST_SUMS + 1];

  EightSums(WeightVector type, PanelElement element, int factorStride, CodeInstaller installer) {
    this.type = type;
    for (int i = 2; i < routines.length; i++) {
      int rows = i;
      routines[i] = installer.install(code -> EightSumCode.code(code, type, element, factorStride, rows));
    }
  }

  static boolean takes(int others) {
    return others >= 2 && others <= EightSumCode.MOST_SUMS;
  }

  /** See {@link Eights#addByColumns}. */
  void add(long weights, long stride, int rows, long x, int factorBytes, int others, int columns, long y, long yStride) {
    long inLine = type.type().bytes(columns) == stride ? 1 : 0;
    for (int k = 0; k < rows; k += BLOCK) {
      int some = Math.min(BLOCK, rows - k);
      routines[others].call(
          weights + k * stride, stride, yStride << Integer.SIZE | some, x + (long) k * factorBytes, inLine << Integer.SIZE | columns, y);
    }
  }
}
