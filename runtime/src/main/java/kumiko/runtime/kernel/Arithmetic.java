package kumiko.runtime.kernel;

import kumiko.runtime.tensor.DType;

/** In which numbers the products of linear layers and of attention are computed. */
public enum Arithmetic {
  /**
   * Activations and sums in the activation type of the kernels: results differ from the definition by rounding of sums only. Where bf16 weights
   * meet more than one row in a processor's tiles, which multiply exact parts of activations, numbers below 2^-126 count as zero, and infinite
   * weights make what is no number.
   */
  FLOAT32,

  /**
   * Where the weight is stored as bf16, activations are rounded to bf16 before they are multiplied, to nearest even; sums stay float32.
   * So are, where more than {@value #FEW_ROWS} rows of activations meet a weight in blocks of quantised numbers, both the activations and
   * what the blocks stand for as float32; fewer rows, which wait for memory, are multiplied as by {@link #FLOAT32} or after their
   * numbers were rounded by up to 2^-14 of the largest in their block of 32. All other weights are multiplied as by {@link #FLOAT32};
   * among them int8 rows, whose activations were rounded to levels of their own. It is the arithmetic of processors' bf16 instructions.
   *
   * <p>Keys and values are rounded to bf16, to nearest even, when they are computed, and the cache holds them so. Attention of more than
   * {@value #FEW_ROWS} rows of a sequence at once, as in prompts, rounds what they are multiplied with too: queries and probabilities.
   * Scores, their softmax and all sums stay float32; the probabilities that are rounded may lack a factor that their row has in common. The
   * rows are those of one sequence in one call, however they are shared out. Attention of fewer rows, as in decoding, rounds keys and values
   * only; so does one whose scores are a value of the graph ({@link kumiko.runtime.graph.Op.Scores}).
   *
   * <p>Relative to {@link #FLOAT32} each result of a linear layer changes by up to 2^-8 of the magnitudes of its terms, and where weights
   * are rounded too by up to 2^-7 + 2^-16: more than rounding of sums, which is why it is a choice. A score changes by d, up to 2^-7 + 2^-16
   * of the magnitudes of its terms; where none changes by more, no probability changes by more than a factor of e^(2 d), and besides each
   * result by up to 2^-7 + 2^-16 of the magnitudes of its terms. The instructions take numbers below 2^-126 for zero, so a sum may also miss
   * up to 2^-126 times the larger factor of each term.
   */
  BFLOAT16;

  /** Rows of activations up to which a weight in blocks is multiplied in float32, and of queries up to which attention is. */
  public static final int FEW_ROWS = 8;

  /** Whether attention of so many rows of a sequence is computed with products of bf16. */
  public boolean isBfloat(long rows) {
    return this == BFLOAT16 && rows > FEW_ROWS;
  }

  /** Whether so many rows of activations are multiplied as bf16 with a weight of this type. */
  public boolean isBfloat(DType weight, long rows) {
    return this == BFLOAT16 && (weight == DType.BF16 || (weight.blockElements() > 1 && rows > FEW_ROWS));
  }
}
