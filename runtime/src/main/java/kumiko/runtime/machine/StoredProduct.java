package kumiko.runtime.machine;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.tensor.DType;

/**
 * Products of few rows of float32 with weights read in the type and place they are stored, by AVX-512 (F, BW) and BMI2. A result is summed
 * in the same order wherever it stands.
 */
public final class StoredProduct implements Eights {
  private static final int STRIDE = new EightCode.Singles(WeightVector.F32).stride();

  private final Map<DType, Routine> dots = new EnumMap<>(DType.class);
  private final Map<DType, Routine> sums = new EnumMap<>(DType.class);
  private final Map<DType, Routine> widen = new EnumMap<>(DType.class);
  private final Map<DType, Routine> eights = new EnumMap<>(DType.class);
  private final Map<DType, Routine> lastEights = new EnumMap<>(DType.class);

  StoredProduct(CodeInstaller installer) throws SystemCalls.Refused {
    List<Map<DType, Routine>> maps = new ArrayList<>();
    List<DType> types = new ArrayList<>();
    List<byte[]> codes = new ArrayList<>();
    for (WeightVector type : WeightVector.values()) {
      maps.add(widen);
      types.add(type.type());
      codes.add(WidenCode.code(type, PanelElement.SINGLE));
      // Those have PairDots.
      if (type != WeightVector.BF16) {
        maps.add(dots);
        types.add(type.type());
        codes.add(DotCode.code(type));
      }
      // The unit of a row of int8 lies before its first column: those are widened row by row.
      if (type != WeightVector.I8_ROWS) {
        maps.addAll(List.of(sums, eights, lastEights));
        types.addAll(List.of(type.type(), type.type(), type.type()));
        codes.addAll(List.of(SumCode.code(type), EightCode.code(new EightCode.Singles(type), EightCode.ROWS),
            EightCode.code(new EightCode.Singles(type), 1)));
      }
    }
    List<? extends Routine> routines = installer.install(codes);
    for (int i = 0; i < codes.size(); i++) {
      maps.get(i).put(types.get(i), routines.get(i));
    }
  }

  @Override
  public int stride() {
    return STRIDE;
  }

  @Override
  public boolean reads(DType type) {
    return eights.containsKey(type);
  }

  @Override
  public void pack(long x, long from, int rows, int columns, long to) {
    widen(DType.F32, x, from, rows, 0, columns, to, STRIDE);
  }

  /** Whether {@link #dots} takes weights of this type; those of bf16 have {@link PairDots}. */
  public boolean dotsOf(DType type) {
    return dots.containsKey(type);
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
    dots.get(type).call(weights, stride, rows, x, DotCode.columns(type, columns, stride), y);
  }

  /** {@code y[c] += sum over k < rows of x[k] * weights[k, c]} for {@code c < columns}; the rest as in {@link #dots}. */
  public void sums(DType type, long weights, long stride, int rows, long x, int columns, long y) {
    sums.get(type).call(weights, stride, rows, x, columns, y);
  }

  @Override
  public void add(DType type, long weights, long stride, int rows, long x, int columns, long tile) {
    int whole = rows / EightCode.ROWS;
    int done = whole * EightCode.ROWS;
    if (whole > 0) {
      eights.get(type).call(weights, stride, whole, x, columns, tile);
    }
    if (done < rows) {
      lastEights.get(type).call(weights + done * stride, stride, rows - done, x, columns, tile + (long) done * PanelLayout.TILE_BYTES);
    }
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
