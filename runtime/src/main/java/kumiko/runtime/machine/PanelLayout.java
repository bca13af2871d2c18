package kumiko.runtime.machine;

/**
 * How the operands of a {@link PanelProduct} and of {@link TileRows} lie in memory.
 *
 * <p>A <em>panel</em> holds up to 64 rows of one operand as bf16, side by side: for each pair of neighbouring columns k, k + 1 one 32-bit
 * element of each row, k in its lower half. Rows are filled up to whole strips of 16, columns to whole pairs, with zeros. Or it holds
 * float32, and for each column one element of each row.
 *
 * <p>A <em>tile</em> holds results in float32: for each row of the weight the 64 rows of the panel.
 */
public final class PanelLayout {
  /** Rows of activations in one vector register. */
  public static final int STRIP = 16;

  /** Strips of a full panel. */
  public static final int STRIPS = 4;

  /** Rows of activations in a full panel. */
  public static final int LANES = STRIP * STRIPS;

  /** Columns that are packed together; a panel has room for whole blocks of them. */
  public static final int BLOCK = 32;

  /** Bytes of one strip of one pair, or of one strip of one row of results. */
  static final int STRIP_BYTES = 64;

  /** Bytes of a row of results. */
  public static final int TILE_BYTES = STRIPS * STRIP_BYTES;

  private PanelLayout() {}

  /** Bytes of a full panel of {@code columns} columns of bf16. */
  public static long panelBytes(int columns) {
    return Math.ceilDiv(columns, BLOCK) * (BLOCK / 2L) * TILE_BYTES;
  }
}
