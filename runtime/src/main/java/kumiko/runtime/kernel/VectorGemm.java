package kumiko.runtime.kernel;

import java.util.Arrays;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * The product of many rows of activations with a slab of weights (Goto and van de Geijn 2008, "Anatomy of high-performance matrix
 * multiplication"): a block of activations is turned over, so that a vector holds one column of neighbouring rows, and meets the weights
 * as single numbers. So weights, of which there are far more, are only widened to float32, in the order they lie in, once for all rows.
 *
 * <p>Sums of a block of results stay in an array of their own, results of a weight side by side, until the whole inner dimension is in
 * them; then they are turned back and added to y.
 */
final class VectorGemm {
  /** Rows below which turning the activations costs more than it saves. */
  static final int LEAST_ROWS = 12;

  /** Rows of activations in a panel. */
  static final int PANEL = 2 * Lanes.COUNT;

  /** Weight rows that meet a panel at a time. */
  static final int TILE = 12;

  /** Steps of the inner dimension in a block: all panels of activations together stay in the second-level cache. */
  static final int DEPTH = 256;

  /** Between the first elements of two weight rows; not a power of two, whose rows would share few lines of the nearest cache. */
  static final int STRIDE = DEPTH + Lanes.COUNT;

  /** Rows of activations in a block. */
  private static final int ROWS = 512;

  /** Weight rows in a block. */
  private static final int COLUMNS = 42 * TILE;

  /** One set of blocks for each thread, on the heap: a megabyte and a half. */
  private static final ThreadLocal<VectorGemm> BLOCKS = ThreadLocal.withInitial(VectorGemm::new);

  private final float[] activations = new float[ROWS * DEPTH];
  private final float[] weights = new float[TILE * STRIDE];
  private final float[] tile = new float[TILE * PANEL];
  private final float[] sums = new float[ROWS * COLUMNS];

  private VectorGemm() {}

  /** {@code y += x w^T} for rows {@code [first, end)} of the slab. */
  static void multiply(WeightPacker packer, Slab slab, Rows x, Rows y, int rows, int first, int end) {
    VectorGemm blocks = BLOCKS.get();
    for (int r = 0; r < rows; r += ROWS) {
      for (int i = first; i < end; i += COLUMNS) {
        blocks.multiplyBlock(packer, slab, x, y, r, Math.min(ROWS, rows - r), i, Math.min(COLUMNS, end - i));
      }
    }
  }

  private void multiplyBlock(WeightPacker packer, Slab slab, Rows x, Rows y, int row, int rows, int first, int columns) {
    int panels = Math.ceilDiv(rows, PANEL);
    Arrays.fill(sums, 0, Math.ceilDiv(columns, TILE) * panels * TILE * PANEL, 0);
    for (int k = 0; k < slab.columns(); k += DEPTH) {
      int depth = Math.min(DEPTH, slab.columns() - k);
      PanelPacker.pack(VectorLinear.address(x, row, slab.column() + k), 4L * x.stride(), rows, depth, activations);
      int to = 0;
      for (int i = 0; i < columns; i += TILE) {
        packer.pack(slab, first + i, Math.min(TILE, columns - i), k, depth, weights);
        for (int p = 0; p < panels; p++) {
          MicroKernels.twelve(weights, activations, p * PANEL * depth, depth, tile);
          addTile(to);
          to += TILE * PANEL;
        }
      }
    }
    for (int p = 0; p < panels; p++) {
      for (int i = 0; i < columns; i += TILE) {
        int from = (i / TILE * panels + p) * TILE * PANEL;
        long at = VectorLinear.address(y, row + p * PANEL, slab.row() + (first + i) * slab.rowStep());
        add(from, Math.min(PANEL, rows - p * PANEL), Math.min(TILE, columns - i), at, 4L * y.stride(), slab.rowStep());
      }
    }
  }

  private void addTile(int to) {
    for (int i = 0; i < TILE * PANEL; i++) {
      sums[to + i] += tile[i];
    }
  }

  private void add(int from, int rows, int columns, long y, long stride, int step) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        long at = y + r * stride + 4L * c * step;
        Memory.set(at, Memory.get(at) + sums[from + c * PANEL + r]);
      }
    }
  }
}
