package kumiko.runtime.run;

import java.util.Optional;
import kumiko.runtime.tensor.DType;

/**
 * How the weights of the linear layers of a model's blocks are kept while it runs. Embedding, head, norms and biases stay as they are
 * stored, as in LLM.int8(); llama.cpp's files of type Q8_0 and Q4_0 quantise embedding and head as well.
 */
public sealed interface Quantisation {
  /** As they are stored. */
  record None() implements Quantisation {
    @Override
    public String toString() {
      return "none";
    }
  }

  /**
   * LLM.int8(), Dettmers et al. 2022, arXiv:2208.07339: every row of a weight in signed bytes of a unit of its own, every row of
   * activations rounded to as many levels, see {@link kumiko.runtime.graph.Op.RoundInt8}. Outlier features meet the same weights, not
   * better ones: the float weights are gone, as in bitsandbytes' {@code Linear8bitLt} with {@code has_fp16_weights=False}. A product
   * of units and sums of integers in the paper is here the same sum in floats.
   *
   * @param threshold activations of at least this magnitude are not rounded; the paper's is 6.0, infinity rounds all
   */
  record Int8(double threshold) implements Quantisation {
    public Int8 {
      if (!(threshold > 0)) {
        throw new IllegalArgumentException("the threshold of int8 is a number above 0, not " + threshold + "; the published one is 6.0");
      }
    }

    @Override
    public String toString() {
      return "int8:" + threshold;
    }
  }

  /** Weights in blocks of {@link DType#Q8_0}, activations as they are. */
  record Q8_0() implements Quantisation {
    @Override
    public String toString() {
      return "q8_0";
    }
  }

  /** Weights in blocks of {@link DType#Q4_0}, activations as they are. */
  record Q4_0() implements Quantisation {
    @Override
    public String toString() {
      return "q4_0";
    }
  }

  /** The type of the weights, or empty where they stay as they are. */
  default Optional<DType> dtype() {
    return switch (this) {
      case None() -> Optional.empty();
      case Int8(double threshold) -> Optional.of(DType.I8_ROWS);
      case Q8_0() -> Optional.of(DType.Q8_0);
      case Q4_0() -> Optional.of(DType.Q4_0);
    };
  }

  /**
   * Reads what {@code toString} writes: {@code none}, {@code int8:6.0}, {@code q8_0} or {@code q4_0}.
   *
   * @throws IllegalArgumentException for anything else
   */
  static Quantisation parse(String text) {
    return switch (text) {
      case "none" -> new None();
      case "q8_0" -> new Q8_0();
      case "q4_0" -> new Q4_0();
      default -> int8(text);
    };
  }

  private static Quantisation int8(String text) {
    if (!text.startsWith("int8:")) {
      String hint = text.equals("int8") ? "; int8 says from which magnitude on activations are kept, the published one is 6.0" : "";
      throw new IllegalArgumentException("\"" + text + "\" is no quantisation: choose int8:6.0, q8_0, q4_0 or none" + hint);
    }
    String number = text.substring("int8:".length());
    try {
      return new Int8(number.equals("inf") ? Double.POSITIVE_INFINITY : Double.parseDouble(number));
    } catch (NumberFormatException error) {
      throw new IllegalArgumentException("\"" + number + "\" is no threshold: write a number above 0, as in int8:6.0", error);
    }
  }
}
