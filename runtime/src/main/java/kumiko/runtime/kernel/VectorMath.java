package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import kumiko.runtime.graph.Activation;

/** Functions of float32 lanes. */
@SuppressWarnings("FloatingPointLiteralPrecision") // coefficients stand as they were published
final class VectorMath {
  private static final float LOG2_E = 1.44269504f;

  /** ln 2 in two parts; the first has few enough bits that whole multiples of it are exact. */
  private static final float LN2_HIGH = 0.693359375f;

  private static final float LN2_LOW = -2.12194440e-4f;

  /** Added and taken away again, it leaves a number rounded to a whole one, which then lies in the lowest bits of the sum. */
  private static final float ROUND = 0x1.8p23f;

  /** Above: infinity. */
  private static final float EXP_MAX = 88.72283f;

  /** Below, the result is less than the least normal number and comes out as zero. */
  private static final float EXP_MIN = -87.33654f;

  private static final float SQRT_HALF = (float) Math.sqrt(0.5);
  private static final float TWO_SQRT_2_OVER_PI = (float) (2 * Math.sqrt(2 / Math.PI));

  private VectorMath() {}

  static FloatVector activate(Activation function, FloatVector x) {
    return switch (function) {
      case GELU -> gelu(x);
      case GELU_TANH -> x.mul(sigmoid(x.mul(x).mul(0.044715f).add(1f).mul(x).mul(TWO_SQRT_2_OVER_PI)));
      case SILU -> x.mul(sigmoid(x));
      case RELU -> x.max(0f);
      case TANH -> sigmoid(x.mul(2f)).mul(2f).sub(1f);
    };
  }

  static FloatVector sigmoid(FloatVector x) {
    return Lanes.all(1f).div(exp(x.neg()).add(1f));
  }

  /**
   * {@code e^x} to about one unit in the last place: {@code 2^n e^r} with {@code |r| <= ln 2 / 2} and the polynomial of Cephes' expf
   * (Moshier 1992).
   */
  static FloatVector exp(FloatVector x) {
    FloatVector shifted = x.fma(Lanes.all(LOG2_E), Lanes.all(ROUND));
    FloatVector n = shifted.sub(ROUND);
    FloatVector r = n.fma(Lanes.all(-LN2_HIGH), x);
    r = n.fma(Lanes.all(-LN2_LOW), r);
    FloatVector p = Lanes.all(1.9875691500e-4f);
    p = p.fma(r, Lanes.all(1.3981999507e-3f));
    p = p.fma(r, Lanes.all(8.3334519073e-3f));
    p = p.fma(r, Lanes.all(4.1665795894e-2f));
    p = p.fma(r, Lanes.all(1.6666665459e-1f));
    p = p.fma(r, Lanes.all(5.0000001201e-1f));
    p = p.fma(r.mul(r), r.add(1f));
    IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
    FloatVector power = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    power = power.blend(0f, x.compare(VectorOperators.LT, EXP_MIN));
    power = power.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, EXP_MAX));
    return power.blend(x, x.test(VectorOperators.IS_NAN));
  }

  /** {@code x erfc(-x / sqrt 2) / 2}. */
  private static FloatVector gelu(FloatVector x) {
    return x.mul(0.5f).mul(erfc(x.mul(-SQRT_HALF)));
  }

  /** Near zero one less a polynomial of erf (Cephes' erff), elsewhere the Chebyshev fit of Press et al., Numerical Recipes, section 6.2. */
  private static FloatVector erfc(FloatVector x) {
    FloatVector square = x.mul(x);
    FloatVector near = Lanes.all(7.853861353153693e-5f);
    near = near.fma(square, Lanes.all(-8.010193625184903e-4f));
    near = near.fma(square, Lanes.all(5.188327685732524e-3f));
    near = near.fma(square, Lanes.all(-2.685381193529856e-2f));
    near = near.fma(square, Lanes.all(1.128358514861418e-1f));
    near = near.fma(square, Lanes.all(-3.761262582423300e-1f));
    near = near.fma(square, Lanes.all(1.128379165726710f));
    FloatVector far = erfcOfMagnitude(x.abs(), square);
    far = far.blend(far.neg().add(2f), x.compare(VectorOperators.LT, 0f));
    VectorMask<Float> small = square.compare(VectorOperators.LT, 0.7f);
    return far.blend(near.mul(x).neg().add(1f), small);
  }

  private static FloatVector erfcOfMagnitude(FloatVector z, FloatVector square) {
    FloatVector t = Lanes.all(1f).div(z.fma(Lanes.all(0.5f), Lanes.all(1f)));
    FloatVector p = Lanes.all(0.17087277f);
    p = p.fma(t, Lanes.all(-0.82215223f));
    p = p.fma(t, Lanes.all(1.48851587f));
    p = p.fma(t, Lanes.all(-1.13520398f));
    p = p.fma(t, Lanes.all(0.27886807f));
    p = p.fma(t, Lanes.all(-0.18628806f));
    p = p.fma(t, Lanes.all(0.09678418f));
    p = p.fma(t, Lanes.all(0.37409196f));
    p = p.fma(t, Lanes.all(1.00002368f));
    p = p.fma(t, Lanes.all(-1.26551223f));
    return t.mul(exp(p.sub(square)));
  }
}
