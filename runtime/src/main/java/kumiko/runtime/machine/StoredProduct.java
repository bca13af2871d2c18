package kumiko.runtime.machine;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.tensor.DType;

/**
 * Products of one row of float32 with weights read in the type and place they are stored, by AVX-512 (F, BW) and BMI2. A result is
 * summed in the same order wherever it stands.
 */
public final class StoredProduct {
  private final Map<DType, Routine> dots = new EnumMap<>(DType.class);
  private final Map<DType, Routine> sums = new EnumMap<>(DType.class);

  StoredProduct(CodeInstaller installer) throws SystemCalls.Refused {
    List<byte[]> codes = new ArrayList<>();
    for (WeightVector type : WeightVector.values()) {
      codes.add(DotCode.code(type));
      codes.add(SumCode.code(type));
    }
    for (WeightBlock type : WeightBlock.values()) {
      codes.add(BlockDotCode.code(type));
    }
    List<? extends Routine> routines = installer.install(codes);
    int at = 0;
    for (WeightVector type : WeightVector.values()) {
      dots.put(type.type(), routines.get(at++));
      sums.put(type.type(), routines.get(at++));
    }
    for (WeightBlock type : WeightBlock.values()) {
      dots.put(type.type(), routines.get(at++));
    }
  }

  /** Whether there are {@link #dots} of weights of this type. */
  public boolean hasDots(DType type) {
    return dots.containsKey(type);
  }

  /** Whether there are {@link #sums} of weights of this type. */
  public boolean hasSums(DType type) {
    return sums.containsKey(type) && type != DType.I8_ROWS;
  }

  /**
   * {@code y[i] += sum over k < columns of x[k] * weights[i, k]} for {@code i < rows}.
   *
   * @param weights address of the first row
   * @param stride bytes from one row of weights to the next
   * @param rows at least 1
   * @param x address of {@code columns} float32
   * @param columns whole blocks of the type
   * @param y address of {@code rows} float32
   */
  public void dots(DType type, long weights, long stride, int rows, long x, int columns, long y) {
    dots.get(type).call(weights, stride, rows, x, columns, y);
  }

  /**
   * {@code y[c] += sum over k < rows of x[k] * weights[k, c]} for {@code c < columns}; the rest as in {@link #dots}.
   */
  public void sums(DType type, long weights, long stride, int rows, long x, int columns, long y) {
    sums.get(type).call(weights, stride, rows, x, columns, y);
  }
}
