package kumiko.runtime.kernel;

import kumiko.runtime.graph.Activation;

/** Functions of one number, in double, as their definitions say. */
final class ScalarFunctions {
  private static final double SQRT_PI = Math.sqrt(Math.PI);
  private static final double SQRT_HALF = Math.sqrt(0.5);
  private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

  /** From here on the continued fraction of erfc needs fewer steps than the series of erf. */
  private static final double SERIES_END = 2.5;

  private ScalarFunctions() {}

  static double activate(Activation function, double x) {
    return switch (function) {
      case GELU -> x * erfc(-x * SQRT_HALF) / 2;
      case GELU_TANH -> x * sigmoid(2 * SQRT_2_OVER_PI * (x + 0.044715 * x * x * x));
      case SILU -> x * sigmoid(x);
      case RELU -> Double.isNaN(x) ? x : Math.max(x, 0);
      case TANH -> Math.tanh(x);
    };
  }

  /** {@code 1 / (1 + exp(-x))}, also where the exponential overflows; {@code (1 + tanh x) / 2 = sigmoid(2 x)}. */
  static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /** The complementary error function, to about 2e-15 relative to itself. */
  static double erfc(double x) {
    if (x < 0) {
      return 2 - erfc(-x);
    }
    return x < SERIES_END ? 1 - erfSeries(x) : erfcFraction(x);
  }

  /** Abramowitz and Stegun 7.1.6: 2 / sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (1 * 3 * ... * (2n+1)); all terms are positive. */
  private static double erfSeries(double x) {
    double term = x;
    double sum = x;
    for (int n = 1; term > sum * 1e-18; n++) {
      term *= 2 * x * x / (2 * n + 1);
      sum += term;
    }
    return 2 / SQRT_PI * Math.exp(-x * x) * sum;
  }

  /** Abramowitz and Stegun 7.1.14: exp(-x^2) / sqrt(pi) * 1 / (x + (1/2) / (x + 1 / (x + (3/2) / (x + ...)))). */
  private static double erfcFraction(double x) {
    if (x > 28) {
      return 0;
    }
    double fraction = x;
    for (int n = 60; n > 0; n--) {
      fraction = x + n / 2.0 / fraction;
    }
    return Math.exp(-x * x) / SQRT_PI / fraction;
  }
}
