package kumiko.runtime.machine;

/** Multiplies bf16 with bf16, or float32 with float32, and sums in float32. */
public interface PanelProduct {
  int OPERAND_BYTES = PanelLayout.STRIP * PanelLayout.STRIP_BYTES;

  /** The instructions it is made of, by the name of the processor's flag. */
  String instructions();

  /**
   * {@code tile[i, lane] += sum over k < columns of weights[i, k] * panel[k, lane]} for {@code i < rows} and the lanes of {@code
   * strips} strips; see {@link PanelLayout}. How {@code rows} are divided among calls does not show in the results.
   *
   * @param panel address of a panel of {@code strips} strips
   * @param strips 1 to {@value PanelLayout#STRIPS}
   * @param weights address of rows of the panel's type
   * @param stride bytes from one row of weights to the next
   * @param tile address of the results
   */
  void multiply(long panel, int strips, long weights, long stride, int rows, int columns, long tile);

  /** What multiplies many rows straight into their results, or null. */
  default TileRows manyRows() {
    return null;
  }

  /**
   * Multiplies again and again what registers hold, for what the instructions reach at most.
   *
   * @param operands address of {@link #OPERAND_BYTES} bytes of bf16 or of float32 to multiply: of numbers like those of a model, as some
   *     processors must slow down where many bits change, and those that are zero change none
   * @param steps at least 1
   * @return the operations done, two for each product
   */
  long multiplyRegisters(long operands, int steps);
}
