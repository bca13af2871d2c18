package kumiko.runtime.machine;

/**
 * The machine code of this process, or why there is none. The system property {@value #PROPERTY} decides:
 *
 * <ul>
 *   <li>absent: all that the processor can run and the system allows
 *   <li>{@code avx512}: no tiles of AMX_BF16
 *   <li>{@code avx2}: nothing of AVX-512 either, and so no products of bf16
 *   <li>{@code off}: none
 * </ul>
 *
 * What cannot be had is no error: the Vector API computes the same kind of result everywhere, and the reason is told. Tiles are used only
 * after a product of theirs came out right in this process.
 *
 * @param floats products in float32, of weights of any stored type
 * @param pairs products of bf16 with bf16
 */
public record MachineCode(Part<FloatProducts> floats, Part<PairProducts> pairs) {
  public static final String PROPERTY = "kumiko.machine";

  /** One kind of products. */
  public sealed interface Part<T> {
    /** How they are computed, and why not better: "by avx512_bf16", "by the vector kernels, because this processor has no bmi2". */
    String describe();

    /** Null where there are none. */
    T orNull();
  }

  /**
   * Ready to run.
   *
   * @param instructions what it is made of, by the name of the processor's flag
   * @param reason why it is not made of better ones that the processor has, a clause; null where it has none
   */
  public record Ready<T>(T products, String instructions, String reason) implements Part<T> {
    @Override
    public String describe() {
      return reason == null ? "by " + instructions : "by " + instructions + ", because " + reason;
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
   * @throws SystemPropertyException if the property has another value than those above
   */
  public static MachineCode ofProcess() {
    return MachineCodeChoice.ofProcess();
  }
}
