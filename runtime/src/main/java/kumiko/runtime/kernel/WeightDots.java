package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import kumiko.runtime.tensor.DType;

/**
 * Products of one row of activations with weights of one stored type, added to float32 results. Addresses and strides are in bytes. A
 * result is summed in the same order by every method, so how columns are divided among calls never shows.
 *
 * <p>One small class for each type: the loops must stay small enough for the compiler to keep every sum in a register.
 */
interface WeightDots {
  /** The stored type. */
  DType type();

  /** {@code y += sum over k < n of x[k] * w[k]}. */
  void one(long w, long x, int n, long y);

  /** The same for four weight rows {@code stride} apart, with results {@code step} apart. */
  void four(long w, long stride, long x, int n, long y, long step);

  /** {@code y[c] += sum over k < n of x[k] * w[k * stride + c]} for four vectors of neighbouring columns. */
  void columns(long w, long stride, long x, int n, long y);

  /** The same for {@code count} columns, one vector at most. */
  void fewColumns(long w, long stride, long x, int n, long y, int count);

  static void addTo(long y, FloatVector sums) {
    Lanes.set(y, Lanes.get(y) + sums.reduceLanes(VectorOperators.ADD));
  }
}
