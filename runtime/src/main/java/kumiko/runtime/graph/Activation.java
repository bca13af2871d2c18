package kumiko.runtime.graph;

/** Element-wise functions of a feed-forward layer. */
public enum Activation {
  /** {@code x * (1 + erf(x / sqrt 2)) / 2}. */
  GELU,
  /** {@code x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2}. */
  GELU_TANH,
  /** {@code x * sigmoid(x)}. */
  SILU,
  /** {@code max(x, 0)}. */
  RELU,
  /** {@code (exp(2x) - 1) / (exp(2x) + 1)}. */
  TANH
}
