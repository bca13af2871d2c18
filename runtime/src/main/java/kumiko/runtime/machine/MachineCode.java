package kumiko.runtime.machine;

/**
 * The machine code of this process, or why there is none. The system property {@value #PROPERTY} decides:
 *
 * <ul>
 *   <li>absent: all that the processor can run, but no tiles
 *   <li>{@code amx}: the tiles of AMX_BF16 too; off by default, because no test has run them on such a processor yet
 *   <li>{@code off}: none
 * </ul>
 *
 * What is asked for and cannot be had is no error: the Vector API computes the same kind of result everywhere, and the reason is told.
 *
 * @param floats products in float32, of weights of any stored type
 * @param pairs products of bf16 with bf16
 */
public record MachineCode(Part<FloatProducts> floats, Part<PairProducts> pairs) {
  public static final String PROPERTY = "kumiko.machine";

  /** One kind of products. */
  public sealed interface Part<T> {
    /** How they are computed: "by avx512_bf16". */
    String describe();

    /** Null where there are none. */
    T orNull();
  }

  /**
   * Ready to run.
   *
   * @param instructions what it is made of, by the name of the processor's flag
   */
  public record Ready<T>(T products, String instructions) implements Part<T> {
    @Override
    public String describe() {
      return "by " + instructions;
    }

    @Override
    public T orNull() {
      return products;
    }
  }

  /**
   * None.
   *
   * @param reason a clause: "this processor has no avx512_bf16"
   */
  public record Absent<T>(String reason) implements Part<T> {
    @Override
    public String describe() {
      return "by the vector kernels, because " + reason;
    }

    @Override
    public T orNull() {
      return null;
    }
  }

  /** None at all, for one reason. */
  public static MachineCode none(String reason) {
    return new MachineCode(new Absent<>(reason), new Absent<>(reason));
  }

  /**
   * The one of this process, chosen once.
   *
   * @throws IllegalArgumentException if the property has another value than those above
   */
  public static MachineCode ofProcess() {
    return MachineCodeChoice.ofProcess();
  }
}
