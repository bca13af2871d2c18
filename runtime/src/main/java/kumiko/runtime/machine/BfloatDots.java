package kumiko.runtime.machine;

/** Products of bf16 weights, read where they are stored, with one row of activations. */
public interface BfloatDots {
  /** Columns of a piece whose activations stay in the nearest cache, next to the weights that pass by; each piece is packed whole. */
  int pieceColumns();

  /** Bytes that {@link #pack} writes. */
  long packedBytes(int columns);

  /**
   * One row of float32 as {@link #dots} takes it.
   *
   * @param x address of {@code columns} float32
   * @param to address of {@link #packedBytes} bytes
   */
  void pack(long x, int columns, long to);

  /**
   * {@code y[i] += sum over k < columns of x[k] * weights[i, k]} for {@code i < rows}.
   *
   * @param weights address of the first row
   * @param stride bytes from one row of weights to the next
   * @param rows at least 1
   * @param packed address of x, packed
   * @param y address of {@code rows} float32
   */
  void dots(long weights, long stride, int rows, long packed, int columns, long y);
}
