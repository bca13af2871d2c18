package kumiko.runtime.machine;

import kumiko.runtime.tensor.DType;

/** {@link Eights} of bf16 weights with activations rounded to bf16, by {@code vdpbf16ps} (AVX512BW, AVX512_BF16). */
final class PairEights implements Eights {
  private static final int STRIDE = new EightCode.Pairs().stride();

  private final RowRounding rounding;
  private final EightRoutines routines;
  private final EightSums sums;

  PairEights(RowRounding rounding, Ahead ahead, CodeInstaller installer) {
    this.rounding = rounding;
    routines = new EightRoutines(new EightCode.Pairs(), ahead, installer);
    sums = new EightSums(WeightVector.BF16, PanelElement.PAIR, STRIDE, installer);
  }

  @Override
  public int columns() {
    return MOST_COLUMNS;
  }

  @Override
  public int stride() {
    return STRIDE;
  }

  @Override
  public boolean reads(DType type) {
    return type == DType.BF16;
  }

  @Override
  public boolean readsWhole(DType type, long from, int others, int columns) {
    return type == DType.BF16 && routines.readsWhole(from, others, columns);
  }

  @Override
  public void pack(long x, long from, int rows, int columns, long to) {
    rounding.round(x, from, rows, columns, to, STRIDE);
  }

  @Override
  public void add(DType type, long weights, long from, int rows, long x, int others, int columns, long tile, long later) {
    routines.add(weights, from, rows, x, others, columns, tile, later);
  }

  @Override
  public boolean readsColumns(DType type, int others) {
    return type == DType.BF16 && EightSums.takes(others);
  }

  @Override
  public void addByColumns(DType type, long weights, long stride, int rows, long x, int others, int columns, long y, long yStride) {
    sums.add(weights, stride, rows, x, Short.BYTES, others, columns, y, yStride);
  }
}
