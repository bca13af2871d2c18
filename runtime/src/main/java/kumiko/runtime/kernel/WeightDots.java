package kumiko.runtime.kernel;

/**
 * Products of one row of activations with weights of one stored type. Addresses and strides of weights are in bytes; activations and
 * results are arrays, whose accesses weigh less for the compiler than those of memory segments.
 *
 * <p>One class for each type, one loop in each method with few vectors in it, and each method too long to be inlined: beyond its node
 * budget, which it counts with all callers, the compiler would keep the sums as objects instead of in registers. A result is summed in
 * the same order wherever it stands, so how results are divided among calls never shows.
 */
interface WeightDots {
  /** {@code out[to + i] = sum over k < n of x[from + k] * w[i * stride, k]} for {@code i < count}; {@code room} for a vector. */
  void rows(long w, long stride, int count, float[] x, int from, int n, float[] out, int to, float[] room);

  /** {@code out[c] = sum over k < n of x[from + k] * w[k * stride, c]} for {@code c < count}. */
  void columns(long w, long stride, int count, float[] x, int from, int n, float[] out);

  /**
   * Dot products of eight rows of activations with up to three rows of weights, each weight read once: the lane sums of activation row r
   * and weight row j become vector {@code 3 * r + j} of {@code tile}.
   *
   * @param last the last weight row that there is, 0 to 2; vectors of rows beyond it mean nothing
   * @param x from {@code from} on the rows of activations as {@link VectorDots} lays them: a vector of each row in turn
   * @param n whole vectors
   */
  void eight(long w, long stride, int last, float[] x, int from, int n, float[] tile);
}
