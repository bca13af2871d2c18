package kumiko.runtime.machine;

import java.util.EnumMap;
import java.util.Map;
import kumiko.runtime.tensor.DType;

/**
 * Products of few rows of float32 with weights read in the type and place they are stored, by AVX-512 (F, BW) and BMI2. A result is summed
 * in the same order wherever it stands.
 */
public final class StoredProduct implements Eights {
  private final Ahead ahead;
  private final int pieceColumns;
  private final int eightColumns;
  private final int wholeColumns;
  private final int eightStride;
  private final int inputStride;
  private final Map<DType, RowRoutines> dots = new EnumMap<>(DType.class);
  private final Map<DType, Routine> sums = new EnumMap<>(DType.class);

  /** None by AVX2. */
  private final Map<DType, EightSums> eightSums = new EnumMap<>(DType.class);

  private final Map<DType, Routine> widen = new EnumMap<>(DType.class);
  private final Map<DType, EightRoutines> eights = new EnumMap<>(DType.class);

  /** @param nearestCache bytes of the nearest cache for data */
  StoredProduct(Ahead ahead, int nearestCache, CodeInstaller installer) {
    this.ahead = ahead;
    pieceColumns = ahead.activationBytes(nearestCache) / Float.BYTES;
    // Half as many of the other rows are met at a time there.
    wholeColumns = installer.vectors() < Assembler.VECTORS ? MOST_COLUMNS : EightCode.Singles.mostColumns(nearestCache);
    eightColumns = ahead.pieceColumns(wholeColumns);
    eightStride = eights(WeightVector.F32).stride();
    inputStride = new EightCode.Singles(WeightVector.F32, wholeColumns, wholeColumns).stride();
    for (WeightVector type : WeightVector.values()) {
      widen.put(type.type(), installer.install(code -> WidenCode.code(code, type, PanelElement.SINGLE)));
      dots.put(type.type(), dots(type, ahead, installer));
      if (isReadInPlace(type)) {
        sums.put(type.type(), installer.install(code -> SumCode.code(code, type, ahead)));
        if (installer.vectors() == Assembler.VECTORS) {
          eightSums.put(type.type(), new EightSums(type, PanelElement.SINGLE, inputStride, installer));
        }
        eights.put(type.type(), eights(type, ahead, installer));
      }
    }
  }

  private static RowRoutines dots(WeightVector type, Ahead ahead, CodeInstaller installer) {
    if (installer.vectors() == Assembler.VECTORS) {
      return RowRoutines.of((code, streams) -> DotCode.code(code, type, ahead, streams), ahead, installer);
    }
    return type == WeightVector.I8_ROWS
        ? new RowRoutines(installer.install(code -> DotHalvesCode.code(code, type, 1)), null, ahead)
        : RowRoutines.of((code, rows) -> DotHalvesCode.code(code, type, rows), ahead, installer);
  }

  private EightRoutines eights(WeightVector type, Ahead ahead, CodeInstaller installer) {
    return installer.vectors() < Assembler.VECTORS
        ? new EightRoutines(type, eightStride, ahead, installer)
        : new EightRoutines(eights(type), ahead, installer);
  }

  private EightCode.Meeting eights(WeightVector type) {
    return new EightCode.Singles(type, eightColumns, wholeColumns);
  }

  /** The unit of a row of int8 lies before its first column: those are widened row by row. */
  private static boolean isReadInPlace(WeightVector type) {
    return type != WeightVector.I8_ROWS;
  }

  @Override
  public int columns() {
    return eightColumns;
  }

  @Override
  public int stride() {
    return eightStride;
  }

  @Override
  public boolean reads(DType type) {
    return eights.containsKey(type);
  }

  @Override
  public boolean readsWhole(DType type, long from, int others, int columns) {
    return reads(type) && eights.get(type).readsWhole(from, others, columns);
  }

  @Override
  public void pack(long x, long from, int rows, int columns, long to) {
    widen(DType.F32, x, from, rows, 0, columns, to, eightStride);
  }

  @Override
  public int inputs() {
    return wholeColumns;
  }

  @Override
  public void packInputs(long x, long from, int rows, int columns, long to) {
    widen(DType.F32, x, from, rows, 0, columns, to, inputStride);
  }

  /** Whether {@link #dots} takes weights of this type. */
  public boolean dotsOf(DType type) {
    return dots.containsKey(type);
  }

  /** Columns of a piece whose activations stay in the nearest cache while {@link #dots} reads weights. */
  public int pieceColumns() {
    return pieceColumns;
  }

  /**
   * {@code y[i] += sum over k < columns of x[k] * weights[i, k]} for {@code i < rows}, where {@link #dotsOf} says so.
   *
   * @param weights address of the first row
   * @param stride bytes from one row of weights to the next
   * @param rows at least 1
   * @param x address of {@code columns} float32
   * @param y address of {@code rows} float32
   */
  public void dots(DType type, long weights, long stride, int rows, long x, int columns, long y) {
    dots.get(type).dots(type, weights, stride, rows, x, columns, y);
  }

  /** {@code y[c] += sum over k < rows of x[k] * weights[k, c]} for {@code c < columns}; the rest as in {@link #dots}. */
  public void sums(DType type, long weights, long stride, int rows, long x, int columns, long y) {
    sums.get(type).call(weights, stride, rows, x, ahead.sumBytes(type, columns, stride) << Integer.SIZE | columns, y);
  }

  @Override
  public boolean readsColumns(DType type, int others) {
    return EightSums.takes(others) && eightSums.containsKey(type);
  }

  @Override
  public void addByColumns(DType type, long weights, long stride, int rows, long x, int others, int columns, long y, long yStride) {
    eightSums.get(type).add(weights, stride, rows, x, Float.BYTES, others, columns, y, yStride);
  }

  @Override
  public void add(DType type, long weights, long stride, int rows, long x, int others, int columns, long tile, long later) {
    eights.get(type).add(weights, stride, rows, x, others, columns, tile, later);
  }

  /**
   * Rows of weights as float32.
   *
   * @param weights address of where the first row begins
   * @param from columns of each row that are left out
   * @param to address of the first row of float32
   * @param toStride bytes from one of those rows to the next, below 2^31
   */
  public void widen(DType type, long weights, long stride, int rows, int from, int columns, long to, int toStride) {
    widen.get(type).call(weights, stride, rows, to, columns, type.bytes(from) << Integer.SIZE | toStride);
  }
}
