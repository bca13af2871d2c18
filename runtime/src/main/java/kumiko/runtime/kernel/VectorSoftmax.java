package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * The loops of softmax over vectors in an array, {@code step} elements apart: neighbouring scores of one row, or one score each of
 * neighbouring rows.
 */
@SuppressWarnings("FloatingPointLiteralPrecision") // coefficients stand as they were published
final class VectorSoftmax {
  /**
   * Added and taken away again, it leaves a number rounded to a whole one, n; the sum's lowest bits are then n + 127, which is how a
   * float's exponent is written.
   */
  private static final float ROUND = 0x1.8p23f + 127;

  private VectorSoftmax() {}

  /** Every lane of {@code max[at ...]} becomes the largest of itself and that lane of {@code count} vectors. */
  static void maxima(float[] x, int from, int step, int count, float[] max, int at) {
    FloatVector a = FloatVector.fromArray(Lanes.F32, max, at);
    for (int k = 0; k < count; k++) {
      a = a.lanewise(VectorOperators.MAX, FloatVector.fromArray(Lanes.F32, x, from + k * step));
    }
    a.intoArray(max, at);
  }

  /**
   * Each of {@code count} vectors becomes {@code exp(x - max)}; they are added to {@code sum[at ...]}.
   *
   * <p>{@code e^x} to about one unit in the last place: {@code 2^n e^r} with {@code |r| <= ln 2 / 2} and the polynomial of Cephes' expf
   * (Moshier 1992). From 88.4 on it is infinite, where it would be less than the least normal number zero.
   */
  static void exponentials(float[] x, int from, int step, int count, float[] max, float[] sum, int at) {
    FloatVector log2E = FloatVector.broadcast(Lanes.F32, 1.44269504f);
    // Minus ln 2 in two parts; the first has few enough bits that whole multiples of it are exact.
    FloatVector ln2High = FloatVector.broadcast(Lanes.F32, -0.693359375f);
    FloatVector ln2Low = FloatVector.broadcast(Lanes.F32, 2.12194440e-4f);
    FloatVector round = FloatVector.broadcast(Lanes.F32, ROUND);
    FloatVector power7 = FloatVector.broadcast(Lanes.F32, 1.9875691500e-4f);
    FloatVector power6 = FloatVector.broadcast(Lanes.F32, 1.3981999507e-3f);
    FloatVector power5 = FloatVector.broadcast(Lanes.F32, 8.3334519073e-3f);
    FloatVector power4 = FloatVector.broadcast(Lanes.F32, 4.1665795894e-2f);
    FloatVector power3 = FloatVector.broadcast(Lanes.F32, 1.6666665459e-1f);
    FloatVector power2 = FloatVector.broadcast(Lanes.F32, 5.0000001201e-1f);
    FloatVector one = FloatVector.broadcast(Lanes.F32, 1);
    // Where n + 127 is 0 and the power zero, and where it is 255 and the power infinite.
    FloatVector least = FloatVector.broadcast(Lanes.F32, -88);
    FloatVector greatest = FloatVector.broadcast(Lanes.F32, 89);
    FloatVector most = FloatVector.fromArray(Lanes.F32, max, at);
    FloatVector total = FloatVector.fromArray(Lanes.F32, sum, at);
    for (int k = 0; k < count; k++) {
      FloatVector v = FloatVector.fromArray(Lanes.F32, x, from + k * step).sub(most);
      v = v.lanewise(VectorOperators.MAX, least).lanewise(VectorOperators.MIN, greatest);
      FloatVector shifted = v.fma(log2E, round);
      FloatVector n = shifted.sub(round);
      FloatVector r = n.fma(ln2Low, n.fma(ln2High, v));
      FloatVector p = r.fma(power7, power6).fma(r, power5).fma(r, power4).fma(r, power3).fma(r, power2);
      p = p.fma(r.mul(r), r.add(one));
      FloatVector power = p.mul(shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats());
      power.intoArray(x, from + k * step);
      total = total.add(power);
    }
    total.intoArray(sum, at);
  }

  /** Multiplies by {@code scale}; scores of keys outside {@code [first, end)} of a lane's row become minus infinity. */
  static void mask(float[] x, int from, int step, int count, float scale, int key, float[] first, float[] end, int at) {
    FloatVector low = FloatVector.fromArray(Lanes.F32, first, at);
    FloatVector high = FloatVector.fromArray(Lanes.F32, end, at);
    for (int k = 0; k < count; k++) {
      FloatVector s = FloatVector.fromArray(Lanes.F32, x, from + k * step).mul(scale);
      FloatVector index = Lanes.all(key + k);
      s = s.blend(Float.NEGATIVE_INFINITY, index.compare(VectorOperators.LT, low));
      s = s.blend(Float.NEGATIVE_INFINITY, index.compare(VectorOperators.GE, high));
      s.intoArray(x, from + k * step);
    }
  }
}
