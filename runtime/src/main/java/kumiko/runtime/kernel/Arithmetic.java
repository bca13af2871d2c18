package kumiko.runtime.kernel;

/** In which numbers the products of linear layers are computed. */
public enum Arithmetic {
  /** Activations and sums in the activation type of the kernels: results differ from the definition by rounding of sums only. */
  FLOAT32,

  /**
   * Where the weight is stored as bf16, activations are rounded to bf16 before they are multiplied, to nearest even; sums stay float32.
   * Other weights are multiplied as by {@link #FLOAT32}. Each result changes by up to 2^-8 of the magnitudes of its terms, relative to
   * {@link #FLOAT32}: more than rounding of sums, which is why it is a choice. It is the arithmetic of processors' bf16 instructions.
   *
   * <p>Those take numbers below 2^-126 for zero, so a sum may also miss up to 2^-126 times the larger factor of each term.
   */
  BFLOAT16
}
