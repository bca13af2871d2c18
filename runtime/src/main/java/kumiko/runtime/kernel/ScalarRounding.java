package kumiko.runtime.kernel;

import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Elements;
import kumiko.runtime.tensor.Rows;

/**
 * The definition of {@link Kernels#roundInt8}. Each operation is rounded to the activation type: where two levels are equally near, all
 * kernels of one type must take the same.
 */
final class ScalarRounding {
  private ScalarRounding() {}

  static void roundInt8(DType type, Rows x, double threshold, Rows y, int from, int to) {
    double limit = rounded(type, threshold);
    for (int r = from; r < to; r++) {
      double largest = largest(type, x, r, limit);
      double toLevel = rounded(type, 127 / largest);
      double unit = rounded(type, largest / 127);
      for (int c = 0; c < x.width(); c++) {
        double value = get(type, x, r, c);
        boolean kept = Math.abs(value) >= limit || Double.isInfinite(toLevel);
        double result = kept ? value : Math.rint(rounded(type, value * toLevel)) * unit;
        Elements.set(type, y.data(), y.offset() + (long) r * y.stride() + c, result);
      }
    }
  }

  /** The largest magnitude below the limit; NaN if there is one. */
  private static double largest(DType type, Rows x, int row, double limit) {
    double largest = 0;
    for (int c = 0; c < x.width(); c++) {
      double magnitude = Math.abs(get(type, x, row, c));
      largest = magnitude >= limit ? largest : Math.max(largest, magnitude);
    }
    return largest;
  }

  private static double get(DType type, Rows x, int row, int column) {
    return Elements.get(type, x.data(), x.offset() + (long) row * x.stride() + column);
  }

  private static double rounded(DType type, double value) {
    return type == DType.F32 ? (float) value : value;
  }
}
