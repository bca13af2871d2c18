package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.graph.Activation;
import kumiko.runtime.graph.Pairing;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;

/**
 * The arithmetic. Every method works on the range it is given, on the calling thread, and allocates nothing; who divides the work is
 * the program. Shapes were checked before: an implementation only asserts.
 *
 * <p>Activations are {@link #activations()}, weights are whatever their {@link Matrix} says, sums are kept at least as wide as the
 * activations. {@code [from, to)} is the range of rows, unless it says columns.
 */
public interface Kernels {
  /** One line for the log: implementation, lanes. */
  String describe();

  /** F32, or F64 for reference runs. */
  DType activations();

  /** In which numbers the products of {@link #linear} and {@link #attention} are computed. */
  Arithmetic arithmetic();

  /** Of the numbers that keys and values are kept as: what {@link #append} writes, and {@link #attention} and its parts read. */
  default DType cacheType() {
    return arithmetic() == Arithmetic.BFLOAT16 ? DType.BF16 : activations();
  }

  /** The same kernels with products in other numbers. */
  Kernels with(Arithmetic arithmetic);

  /** {@code out[r] = table[ids[r]]}; ids are i32. */
  void embed(Matrix table, MemorySegment ids, Rows out, int from, int to);

  /**
   * {@code y[r, c] = x[r] . weight[c] + bias[c]} for all {@code rows} rows and the columns {@code from <= c < to}; with {@code
   * accumulate} added to what y holds.
   *
   * @param bias one row, or null
   * @param prepared what {@link #prepare} made of all rows of x; null where {@link #prepares} is false, or nothing was prepared
   * @param scratch at least {@link #linearScratchBytes} bytes, used by this call alone
   */
  void linear(
      Matrix weight,
      Rows bias,
      Rows x,
      Rows y,
      int rows,
      int from,
      int to,
      boolean accumulate,
      MemorySegment prepared,
      MemorySegment scratch);

  /**
   * Products of bf16 that are computed for each one of so many rows with this weight: one where activations are rounded, several
   * where numbers are taken apart, and none where products are those of float32.
   */
  default int bf16Products(Matrix weight, int rows) {
    return arithmetic().isBfloat(weight.dtype(), rows) ? 1 : 0;
  }

  /** Whether {@link #linear} of this weight and so many rows takes less time where they were prepared once for all calls. */
  default boolean prepares(Matrix weight, int rows) {
    return false;
  }

  /** Bytes that {@link #prepare} needs for up to {@code rows} rows; 0 where this weight has none prepared. */
  default long preparedBytes(Matrix weight, int rows) {
    return 0;
  }

  /**
   * Brings rows {@code [from, to)} of the {@code rows} of x into the form in which they are multiplied, once for all linear layers that
   * read x and whose weights are of this weight's type and lie as it does, in rows, in columns or in pieces; only where {@link #prepares} says so.
   *
   * @param from a multiple of 16
   * @param to likewise, or {@code rows}
   */
  default void prepare(Matrix weight, Rows x, int rows, MemorySegment prepared, int from, int to) {}

  /**
   * Up to how many rows meet a weight in columns best in pieces of x, whose results are added; 0 where those may not be: where sums are kept
   * wider than activations, which they would be rounded to one by one.
   */
  default int rowsInPieces(Matrix weight) {
    return 0;
  }

  /** Scratch one call of {@link #linear} needs for up to {@code rows} rows. */
  long linearScratchBytes(Matrix weight, int rows);

  /** See {@link kumiko.runtime.graph.Op.RoundInt8}. {@code y} may be {@code x}. */
  void roundInt8(Rows x, double threshold, Rows y, int from, int to);

  /** See {@link kumiko.runtime.graph.Op.LayerNorm}; weight and bias are one row each, or null. */
  void layerNorm(Rows x, Rows weight, Rows bias, double eps, Rows y, int from, int to);

  /** See {@link kumiko.runtime.graph.Op.RmsNorm}; weight is one row, or null. */
  void rmsNorm(Rows x, Rows weight, double eps, double offset, Rows y, int from, int to);

  void activate(Activation function, Rows x, Rows y, int from, int to);

  /** {@code y = f(gate) * up}. */
  void gated(Activation function, Rows gate, Rows up, Rows y, int from, int to);

  /** {@code y = scale * a + b}. */
  void add(double scale, Rows a, Rows b, Rows y, int from, int to);

  void multiply(Rows a, Rows b, Rows y, int from, int to);

  void scale(Rows x, double factor, Rows y, int from, int to);

  void copy(Rows x, Rows y, int from, int to);

  /** {@code out[r] = [cos(f_j * positions[r]) ..., sin(f_j * positions[r]) ...]}; the product is rounded to the activation type. */
  void angles(MemorySegment positions, double[] frequencies, Rows out, int from, int to);

  /** See {@link kumiko.runtime.graph.Op.Rotate}. {@code y} may be {@code x}. */
  void rotate(Rows x, Rows angles, int headDim, int first, Pairing pairing, Rows y, int from, int to);

  /**
   * Rows {@code [from, to)} of x, rounded to nearest even, into a cache {@code [kvHeads, capacity, headDim]} of {@link #cacheType} that
   * starts at element {@code offset} of {@code cache}: row {@code from} becomes position {@code position}.
   */
  void append(Rows x, MemorySegment cache, long offset, int capacity, int kvHeads, int headDim, int position, int from, int to);

  /**
   * {@code out[r - from, k] = scale * query[r] . keys[k]} for one head and all {@code total} keys; {@code out} is rows of width
   * {@code total}.
   *
   * @param query the columns of this head
   * @param keys the cache of this head, {@code [capacity, headDim]} from element {@code offset}
   */
  void scores(Rows query, MemorySegment keys, long offset, int headDim, int total, double scale, Rows out, int from, int to);

  /**
   * See {@link kumiko.runtime.graph.Op.Softmax}, one head: row {@code r - from} of scores and out belongs to row r of {@code visible}
   * ({@code [seq, 2]} i32: first visible key, end of visible keys).
   */
  void softmax(Rows scores, MemorySegment visible, int total, double scale, double fill, Rows out, int from, int to);

  /** {@code out[r] = sum over k of probabilities[r - from, k] * values[k]}, one head. */
  void mix(Rows probabilities, MemorySegment values, long offset, int headDim, int total, Rows out, int from, int to);

  /**
   * {@link #scores}, {@link #softmax} and {@link #mix} without the whole score matrix, of one head or of several that share a key head.
   *
   * @param query the columns of these heads side by side, as wide as there are heads; those of {@code out} likewise
   * @param rows of the sequence that attend at once, of which these are some: what {@link Arithmetic#isBfloat(long)} is asked
   * @param scratch at least {@link #attentionScratchBytes} bytes, used by this call alone
   */
  void attention(
      Rows query,
      MemorySegment keys,
      MemorySegment values,
      long offset,
      int headDim,
      MemorySegment visible,
      int total,
      double scoreScale,
      double softmaxScale,
      double fill,
      Rows out,
      int rows,
      int from,
      int to,
      MemorySegment scratch);

  /** Scratch one call of {@link #attention} needs over up to {@code keys} keys. */
  long attentionScratchBytes(int headDim, int keys);

  /** Rows that one call of {@link #attention} of {@code heads} heads had best get, where there are as many. */
  int attentionRows(int heads);
}
