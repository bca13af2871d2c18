package kumiko.runtime.graph;

/**
 * Rotary frequencies: pair j of {@code dims / 2} turns by {@code position * scaled(base^(-2 j / dims))} radians. Su et al. 2021,
 * arXiv:2104.09864.
 *
 * @param dims rotated elements of a head, even
 * @param rounding how the original stores a frequency before it is used in float32
 */
public record Frequencies(int dims, double base, Scaling scaling, Rounding rounding) {

  /** How far a context is stretched. */
  public sealed interface Scaling {
    record None() implements Scaling {}

    /** Every frequency divided by {@code factor}. */
    record Linear(double factor) implements Scaling {}

    /**
     * LLaMA 3.1 (meta-llama/llama-models, apply_scaling): wavelengths above {@code context / low} are stretched by {@code factor},
     * those below {@code context / high} are kept, between them the two are blended.
     */
    record Llama3(double factor, double low, double high, double context) implements Scaling {}
  }

  /** The type a frequency passes through in the original. */
  public enum Rounding {
    F32,
    F16
  }

  public Frequencies {
    if (dims <= 0 || dims % 2 != 0) {
      throw new IllegalArgumentException("rotary embedding turns pairs, but dims is " + dims);
    }
  }

  /** {@code dims / 2} frequencies in radians per position, rounded as the original rounds them. */
  public double[] values() {
    double[] values = new double[dims / 2];
    for (int j = 0; j < values.length; j++) {
      double scaled = scaled(Math.pow(base, -2.0 * j / dims));
      values[j] = rounding == Rounding.F16 ? Float.float16ToFloat(Float.floatToFloat16((float) scaled)) : scaled;
    }
    return values;
  }

  private double scaled(double frequency) {
    return switch (scaling) {
      case Scaling.None() -> frequency;
      case Scaling.Linear(double factor) -> frequency / factor;
      case Scaling.Llama3(double factor, double low, double high, double context) -> {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength > context / low) {
          yield frequency / factor;
        }
        if (wavelength < context / high) {
          yield frequency;
        }
        double smooth = (context / wavelength - low) / (high - low);
        yield (1 - smooth) * frequency / factor + smooth * frequency;
      }
    };
  }
}
