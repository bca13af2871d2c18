package kumiko.runtime.machine;

/** Rows of float32 rounded to bf16, to nearest even, subnormal numbers to zero (AVX512BW, AVX512_BF16, BMI2). */
public final class RowRounding {
  /** What may be written behind the last column of a row is this less one column at most. */
  public static final int COLUMNS = 2 * WeightVector.LANES;

  private final Routine routine;

  RowRounding(CodeInstaller installer) {
    routine = installer.install(code -> WidenCode.code(code, WeightVector.F32, PanelElement.PAIR));
  }

  /**
   * Zeros fill up each row to whole {@link #COLUMNS}.
   *
   * @param rows address of the first row's first column
   * @param stride bytes from one row to the next
   * @param to address of the first row of bf16
   * @param toStride bytes from one of those rows to the next, below 2^31
   */
  public void round(long rows, long stride, int count, int columns, long to, int toStride) {
    routine.call(rows, stride, count, to, columns, toStride);
  }
}
