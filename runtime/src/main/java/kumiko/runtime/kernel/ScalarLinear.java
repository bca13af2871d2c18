package kumiko.runtime.kernel;

import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Elements;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * The definition of {@link Kernels#linear}: sums in double, rounded once.
 *
 * @param type of activations and results
 */
record ScalarLinear(DType type, Arithmetic arithmetic) {
  void linear(Matrix weight, Rows bias, Rows x, Rows y, int rows, int from, int to, boolean accumulate) {
    boolean rounded = arithmetic.isBfloat(weight.dtype(), rows);
    for (int r = 0; r < rows; r++) {
      for (int c = from; c < to; c++) {
        double sum = (bias == null ? 0 : get(bias, 0, c)) + (accumulate ? get(y, r, c) : 0);
        for (int s = 0; s < weight.slabs().size(); s++) {
          Slab slab = weight.slabs().get(s);
          int index = slab.indexOf(c);
          sum += index < 0 ? 0 : dot(weight.dtype(), slab, index, x, r, rounded);
        }
        set(y, r, c, sum);
      }
    }
  }

  /** Rows {@code [first, end)} of one slab times the activations, added to {@code y}. */
  void addSlab(DType dtype, Slab slab, Rows x, Rows y, int rows, int first, int end) {
    boolean rounded = arithmetic.isBfloat(dtype, rows);
    for (int r = 0; r < rows; r++) {
      for (int i = first; i < end; i++) {
        int column = slab.row() + i * slab.rowStep();
        set(y, r, column, get(y, r, column) + dot(dtype, slab, i, x, r, rounded));
      }
    }
  }

  private double dot(DType dtype, Slab slab, int index, Rows x, int row, boolean rounded) {
    double unit = Elements.rowUnit(dtype, slab, index);
    double sum = 0;
    for (int k = 0; k < slab.columns(); k++) {
      double factor = get(x, row, slab.column() + k);
      double stored = Elements.get(dtype, slab, index, k);
      sum += rounded ? nearest(factor) * nearest(stored * unit) : factor * stored;
    }
    return rounded ? sum : sum * unit;
  }

  private static double nearest(double value) {
    return Elements.nearestBfloat16((float) value);
  }

  private double get(Rows x, int row, int column) {
    return Elements.get(type, x.data(), x.offset() + (long) row * x.stride() + column);
  }

  private void set(Rows x, int row, int column, double value) {
    Elements.set(type, x.data(), x.offset() + (long) row * x.stride() + column, value);
  }
}
