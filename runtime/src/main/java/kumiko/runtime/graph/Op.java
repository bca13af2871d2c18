package kumiko.runtime.graph;

/**
 * The operations a graph is made of. Each is pure: inputs to one output, with its numbers as attributes. The inputs, in order, and
 * the shapes are said beside each; {@link GraphBuilder} refuses anything else. {@code ?} marks an input that may be left out.
 */
public sealed interface Op {
  /** Given from outside. */
  record Input(Source source) implements Op {}

  /** A weight; the node's name is the parameter's name. */
  record Parameter() implements Op {}

  /** {@code table [n, width]}, {@code ids [seq]} -> {@code [seq, width]}: row {@code ids[i]} of the table. */
  record Embedding() implements Op {}

  /** {@code x [seq, in]}, {@code weight [out, in]}, {@code bias? [out]} -> {@code [seq, out]}: x W^T + b. */
  record Linear() implements Op {}

  /**
   * {@code x} -> x, each row rounded to the nearest of 255 levels: {@code rint(x / u) * u} with {@code u = a / 127}, where a is the
   * largest magnitude of the row below {@code threshold}. Features of at least that magnitude are outliers and kept as they are. The
   * activations of LLM.int8() (Dettmers et al. 2022, arXiv:2208.07339, section 3). There a feature that is an outlier for one row is kept
   * for all rows computed with it; here every row decides for itself, so that a result does not depend on its neighbours, which is the
   * same for one row alone. Rows too small for a unit are kept.
   */
  record RoundInt8(double threshold) implements Op {}

  /** {@code x [seq, n]}, {@code weight? [n]}, {@code bias? [n]} -> {@code (x - mean) / sqrt(variance + eps) * weight + bias}. */
  record LayerNorm(double eps) implements Op {}

  /** {@code x [seq, n]}, {@code weight? [n]} -> {@code x / sqrt(mean(x^2) + eps) * (weight + offset)}. */
  record RmsNorm(double eps, double offset) implements Op {}

  /** {@code x} -> {@code f(x)}, element-wise. */
  record Activate(Activation function) implements Op {}

  /** {@code a}, {@code b} of one shape -> {@code scale * a + b}. */
  record Add(double scale) implements Op {}

  /** {@code a}, {@code b} of one shape -> {@code a * b}, element-wise. */
  record Multiply() implements Op {}

  /** {@code x} -> {@code factor * x}. */
  record Scale(double factor) implements Op {}

  /** {@code x [seq, n]} -> columns {@code from .. from + width}, {@code [seq, width]}. */
  record Slice(int from, int width) implements Op {}

  /** {@code positions [seq]} -> {@code [seq, dims]}: the cosines of all pairs, then their sines. */
  record Angles(Frequencies frequencies) implements Op {}

  /**
   * {@code x [seq, heads * headDim]}, {@code angles [seq, dims]} -> x with elements {@code first .. first + dims} of every head turned
   * by the angles; the others are kept.
   */
  record Rotate(int headDim, int first, Pairing pairing) implements Op {}

  /**
   * {@code cache [kvHeads, past, headDim]}, {@code x [seq, kvHeads * headDim]}, {@code prefix? [n, kvHeads * headDim]} -> {@code
   * [kvHeads, keys, headDim]}: the cache with the new rows behind it. A prefix stands before the first position of every sequence,
   * seen by all of its rows.
   */
  record Append(int kvHeads, int headDim) implements Op {}

  /**
   * {@code query [seq, heads * headDim]}, {@code keys [kvHeads, keys, headDim]} -> {@code [heads, seq, keys]}: {@code scale * q . k};
   * query head h reads key head {@code h / (heads / kvHeads)}.
   */
  record Scores(int heads, int kvHeads, int headDim, double scale) implements Op {}

  /**
   * {@code scores [heads, seq, keys]}, {@code visible [seq, 2]} -> probabilities of the same shape: the softmax over keys of {@code
   * scale * score}. Keys that are not visible are left out, or, where {@code fill} is a number, take part with the score {@code fill}.
   *
   * @param fill NaN where masked scores are left out
   */
  record Softmax(double scale, double fill) implements Op {}

  /** {@code probabilities [heads, seq, keys]}, {@code values [kvHeads, keys, headDim]} -> {@code [seq, heads * headDim]}. */
  record Mix(int heads, int kvHeads, int headDim) implements Op {}

  /**
   * {@code query}, {@code keys}, {@code values}, {@code visible} -> {@code [seq, heads * headDim]}: {@link Scores}, {@link Softmax} and
   * {@link Mix} in one, without the whole score matrix. Made by a pass.
   */
  record Attention(int heads, int kvHeads, int headDim, double scoreScale, double softmaxScale, double fill) implements Op {}

  /** {@code gate}, {@code up} of one shape -> {@code f(gate) * up}. Made by a pass. */
  record Gated(Activation function) implements Op {}

  /**
   * {@code residual [seq, out]}, {@code x [seq, in]}, {@code weight [out, in]}, {@code bias? [out]} -> {@code scale * residual + x W^T +
   * b}: {@link Linear} and {@link Add} in one. Made by a pass.
   */
  record LinearAdd(double scale) implements Op {}
}
