package kumiko.runtime.kernel;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import kumiko.runtime.graph.Activation;

/**
 * Activation functions of float32 arrays, in place. All that is not an exponential is a plain loop, which the compiler turns into vectors
 * by itself.
 */
@SuppressWarnings("FloatingPointLiteralPrecision") // coefficients stand as they were published
final class VectorMath {
  private static final float SQRT_HALF = (float) Math.sqrt(0.5);
  private static final float TWO_SQRT_2_OVER_PI = (float) (2 * Math.sqrt(2 / Math.PI));

  private VectorMath() {}

  /** The first {@code n} elements, and the rest of their last vector. */
  static void activate(Activation function, float[] x, int n, Desk desk) {
    switch (function) {
      case GELU -> gelu(x, n, desk);
      case GELU_TANH -> geluTanh(x, n, desk);
      case SILU -> silu(x, n, desk);
      case RELU -> relu(x, n);
      case TANH -> tanh(x, n, desk);
    }
  }

  private static void exponentials(float[] x, int n, Desk desk) {
    Arrays.fill(desk.max, 0);
    VectorSoftmax.exponentials(x, 0, Lanes.COUNT, Math.ceilDiv(n, Lanes.COUNT), desk.max, desk.room, 0);
  }

  /** {@code x sigmoid(x)}. */
  private static void silu(float[] x, int n, Desk desk) {
    float[] e = desk.exponents;
    for (int c = 0; c < n; c++) {
      e[c] = -x[c];
    }
    exponentials(e, n, desk);
    for (int c = 0; c < n; c++) {
      x[c] = x[c] * (1 / (1 + e[c]));
    }
  }

  /** {@code x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2}, which is x times a sigmoid. */
  private static void geluTanh(float[] x, int n, Desk desk) {
    float[] e = desk.exponents;
    for (int c = 0; c < n; c++) {
      e[c] = -((x[c] * x[c] * 0.044715f + 1) * x[c] * TWO_SQRT_2_OVER_PI);
    }
    exponentials(e, n, desk);
    for (int c = 0; c < n; c++) {
      x[c] = x[c] * (1 / (1 + e[c]));
    }
  }

  private static void relu(float[] x, int n) {
    for (int c = 0; c < n; c++) {
      x[c] = Math.max(x[c], 0);
    }
  }

  /** {@code 2 sigmoid(2 x) - 1}. */
  private static void tanh(float[] x, int n, Desk desk) {
    float[] e = desk.exponents;
    for (int c = 0; c < n; c++) {
      e[c] = -2 * x[c];
    }
    exponentials(e, n, desk);
    for (int c = 0; c < n; c++) {
      x[c] = 1 / (1 + e[c]) * 2 - 1;
    }
  }

  /**
   * {@code x erfc(-x / sqrt 2) / 2}. Near zero erfc is one less a polynomial of erf (Cephes' erff), elsewhere the Chebyshev fit of Press
   * et al., Numerical Recipes, section 6.2. Too long to be inlined, as {@link Lanes} asks.
   */
  private static void gelu(float[] x, int n, Desk desk) {
    float[] e = desk.exponents;
    for (int c = 0; c < n; c++) {
      float z = Math.abs(x[c] * SQRT_HALF);
      e[c] = far(1 / Math.fma(z, 0.5f, 1f)) - z * z;
    }
    exponentials(e, n, desk);
    FloatVector one = FloatVector.broadcast(Lanes.F32, 1);
    FloatVector half = FloatVector.broadcast(Lanes.F32, 0.5f);
    FloatVector power5 = FloatVector.broadcast(Lanes.F32, 7.853861353153693e-5f);
    FloatVector power4 = FloatVector.broadcast(Lanes.F32, -8.010193625184903e-4f);
    FloatVector power3 = FloatVector.broadcast(Lanes.F32, 5.188327685732524e-3f);
    FloatVector power2 = FloatVector.broadcast(Lanes.F32, -2.685381193529856e-2f);
    FloatVector power1 = FloatVector.broadcast(Lanes.F32, 1.128358514861418e-1f);
    FloatVector power0 = FloatVector.broadcast(Lanes.F32, -3.761262582423300e-1f);
    FloatVector twoOverSqrtPi = FloatVector.broadcast(Lanes.F32, 1.128379165726710f);
    for (int c = 0; c < n; c += Lanes.COUNT) {
      FloatVector v = FloatVector.fromArray(Lanes.F32, x, c);
      FloatVector z = v.mul(-SQRT_HALF);
      FloatVector t = one.div(z.abs().fma(half, one));
      FloatVector far = t.mul(FloatVector.fromArray(Lanes.F32, e, c));
      far = far.blend(far.neg().add(2f), z.compare(VectorOperators.LT, 0f));
      FloatVector square = z.mul(z);
      FloatVector p = power5.fma(square, power4).fma(square, power3).fma(square, power2).fma(square, power1);
      FloatVector near = one.sub(p.fma(square, power0).fma(square, twoOverSqrtPi).mul(z));
      v.mul(half).mul(far.blend(near, square.compare(VectorOperators.LT, 0.7f))).intoArray(x, c);
    }
  }

  private static float far(float t) {
    float p = Math.fma(0.17087277f, t, -0.82215223f);
    p = Math.fma(p, t, 1.48851587f);
    p = Math.fma(p, t, -1.13520398f);
    p = Math.fma(p, t, 0.27886807f);
    p = Math.fma(p, t, -0.18628806f);
    p = Math.fma(p, t, 0.09678418f);
    p = Math.fma(p, t, 0.37409196f);
    p = Math.fma(p, t, 1.00002368f);
    return Math.fma(p, t, -1.26551223f);
  }
}
