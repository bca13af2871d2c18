package kumiko.runtime.machine;

/**
 * Machine code for products of bf16, or why there is none. The system property {@value #PROPERTY} decides:
 *
 * <ul>
 *   <li>absent: {@code vdpbf16ps} where the processor has AVX512_BF16
 *   <li>{@code amx}: the tiles of AMX_BF16; off by default, because no test has run them on such a processor yet
 *   <li>{@code off}: none
 * </ul>
 *
 * What is asked for and cannot be had is no error: the Vector API computes the same kind of result everywhere, and the reason is told.
 */
public sealed interface MachineCode {
  String PROPERTY = "kumiko.machine";

  /** Ready to run. */
  record Ready(PanelMoves moves, PanelProduct product) implements MachineCode {
    @Override
    public String describe() {
      return "by " + product.instructions();
    }
  }

  /**
   * None.
   *
   * @param reason a clause: "this processor has no avx512_bf16"
   */
  record Absent(String reason) implements MachineCode {
    @Override
    public String describe() {
      return "by the vector kernels, because " + reason;
    }
  }

  /** How bf16 is multiplied: "by avx512_bf16". */
  String describe();

  /**
   * The one of this process, chosen once.
   *
   * @throws IllegalArgumentException if the property has another value than those above
   */
  static MachineCode ofProcess() {
    return MachineCodeChoice.ofProcess();
  }
}
