package kumiko.runtime.machine;

import kumiko.runtime.tensor.DType;

/** Products of one row of float32 with weights as they are stored, for which the float32 are laid out in another order first. */
public interface PackedProduct {
  /** Bytes that {@link #pack} writes. */
  long packedBytes(DType type, int columns);

  /**
   * One row of float32 as {@link #dots} takes it.
   *
   * @param x address of {@code columns} float32
   * @param columns whole blocks of the type
   * @param to address of {@link #packedBytes} bytes
   */
  void pack(DType type, long x, int columns, long to);

  /**
   * {@code y[i] += sum over k < columns of x[k] * weights[i, k]} for {@code i < rows}.
   *
   * @param weights address of the first row
   * @param stride bytes from one row of weights to the next
   * @param rows at least 1
   * @param packed address of x, packed
   * @param columns whole blocks of the type
   * @param y address of {@code rows} float32
   */
  void dots(DType type, long weights, long stride, int rows, long packed, int columns, long y);
}
