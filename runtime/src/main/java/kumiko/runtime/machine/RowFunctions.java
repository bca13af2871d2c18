package kumiko.runtime.machine;

import java.util.EnumMap;
import java.util.Map;
import kumiko.runtime.graph.Activation;
import kumiko.runtime.graph.Pairing;

/** What is done with single rows of float32, by AVX-512 (F) and BMI2; a row's result does not depend on where it stands. */
public final class RowFunctions {
  private static final int CENTRED = 4;
  private static final int WEIGHTED = 2;
  private static final int BIASED = 1;

  private final Map<Activation, Routine> plain = new EnumMap<>(Activation.class);
  private final Map<Activation, Routine> gated = new EnumMap<>(Activation.class);
  private final Map<ElementCode, Routine> elements = new EnumMap<>(ElementCode.class);
  private final Map<Pairing, Routine> rotary = new EnumMap<>(Pairing.class);

  /** By the sum of what a norm has of the three above. */
  private final Routine[] norms = new Routine[2 * CENTRED];

  RowFunctions(CodeInstaller installer) {
    for (Activation function : Activation.values()) {
      plain.put(function, installer.install(code -> ActivationCode.code(code, function, false)));
      gated.put(function, installer.install(code -> ActivationCode.code(code, function, true)));
    }
    for (ElementCode element : ElementCode.values()) {
      elements.put(element, installer.install(element::code));
    }
    for (Pairing pairing : Pairing.values()) {
      rotary.put(pairing, installer.install(code -> RotaryCode.code(code, pairing)));
    }
    for (int norm = 0; norm < norms.length; norm++) {
      int kind = norm;
      norms[norm] = installer.install(code -> NormCode.code(code, (kind & CENTRED) != 0, (kind & WEIGHTED) != 0, (kind & BIASED) != 0));
    }
  }

  /** {@code y = f(x)} for {@code n} float32; y may be x. */
  public void activate(Activation function, long x, long y, int n) {
    plain.get(function).call(x, y, n, 0, 0, 0);
  }

  /** {@code y = f(x) * up} for {@code n} float32; y may be x or up. */
  public void gated(Activation function, long x, long up, long y, int n) {
    gated.get(function).call(x, y, n, up, 0, 0);
  }

  /** {@code y = scale * a + b} for {@code n} float32, rounded once; y may be a or b. */
  public void add(float scale, long a, long b, long y, int n) {
    elements.get(ElementCode.ADD).call(a, y, n, b, Float.floatToRawIntBits(scale), 0);
  }

  /** {@code y = a * b} for {@code n} float32; y may be a or b. */
  public void multiply(long a, long b, long y, int n) {
    elements.get(ElementCode.MULTIPLY).call(a, y, n, b, 0, 0);
  }

  /** {@code y = factor * x} for {@code n} float32; y may be x. */
  public void scale(long x, float factor, long y, int n) {
    elements.get(ElementCode.SCALE).call(x, y, n, 0, Float.floatToRawIntBits(factor), 0);
  }

  /**
   * {@code y = (x - mean) / sqrt(variance + eps) * weight + bias} for {@code n} float32; y may be x.
   *
   * @param weight address of as many, or 0 for none; likewise {@code bias}
   */
  public void layerNorm(long x, long weight, long bias, float eps, long y, int n) {
    norm(CENTRED, x, weight, bias, eps, 0, y, n);
  }

  /** {@code y = x / sqrt(mean of x^2 + eps) * (weight + offset)} for {@code n} float32; the rest as in {@link #layerNorm}. */
  public void rmsNorm(long x, long weight, float eps, float offset, long y, int n) {
    norm(0, x, weight, 0, eps, offset, y, n);
  }

  private void norm(int kind, long x, long weight, long bias, float eps, float offset, long y, int n) {
    int norm = kind | (weight == 0 ? 0 : WEIGHTED) | (bias == 0 ? 0 : BIASED);
    long numbers = (long) Float.floatToRawIntBits(offset) << Integer.SIZE | Integer.toUnsignedLong(Float.floatToRawIntBits(eps));
    norms[norm].call(x, y, n, weight, bias, numbers);
  }

  /**
   * Pairs {@code (a, b)} become {@code (a cos - b sin, b cos + a sin)}, in every head of a row.
   *
   * @param x address of the first head's first pair
   * @param stride elements from one head to the next
   * @param heads at least 1
   * @param angles address of the cosines of {@code pairs} pairs, then their sines
   */
  public void rotate(Pairing pairing, long x, int stride, int heads, long angles, int pairs) {
    long sines = angles + (long) pairs * Float.BYTES;
    rotary.get(pairing).call(x, (long) stride * Float.BYTES, heads, angles, sines, pairs);
  }
}
