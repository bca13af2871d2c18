package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * The product of many rows of activations with a slab of weights (Goto and van de Geijn 2008, "Anatomy of high-performance matrix
 * multiplication"): both operands are copied, a block at a time, into the order in which {@link MicroKernels} read them. Weights become
 * float32 in that copy, once for all rows.
 */
final class VectorGemm {
  /** Rows below which copying the weights costs more than it saves. */
  static final int LEAST_ROWS = 12;

  /** Columns of a panel of weights. */
  static final int PANEL = 2 * Lanes.COUNT;

  /** Steps of the inner dimension in a block: a panel of weights and a block of activations stay in the second-level cache. */
  static final int DEPTH = 512;

  /** Rows of activations in a block. */
  private static final int ROWS = 480;

  private static final int TILE = 12;

  /** One set of blocks for each thread, on the heap: about a megabyte. */
  private static final ThreadLocal<VectorGemm> BLOCKS = ThreadLocal.withInitial(VectorGemm::new);

  private final float[] block = new float[ROWS * DEPTH];
  private final float[] panel = new float[PANEL * DEPTH];
  private final float[] tile = new float[TILE * PANEL];
  private final float[] rest = new float[Lanes.COUNT * DEPTH];

  private VectorGemm() {}

  /** {@code y += x w^T} for rows {@code [first, end)} of the slab. */
  static void multiply(PanelPacker packer, Slab slab, Rows x, Rows y, int rows, int first, int end) {
    VectorGemm blocks = BLOCKS.get();
    for (int k = 0; k < slab.columns(); k += DEPTH) {
      int depth = Math.min(DEPTH, slab.columns() - k);
      for (int r = 0; r < rows; r += ROWS) {
        int count = Math.min(ROWS, rows - r);
        RowPacker.pack(VectorLinear.address(x, r, slab.column() + k), 4L * x.stride(), count, depth, blocks.block);
        for (int i = first; i < end; i += PANEL) {
          int columns = Math.min(PANEL, end - i);
          packer.pack(slab, i, columns, k, depth, blocks.panel, blocks.rest);
          long out = VectorLinear.address(y, r, slab.row() + i * slab.rowStep());
          blocks.multiply(depth, count, columns, out, 4L * y.stride(), slab.rowStep());
        }
      }
    }
  }

  private void multiply(int depth, int rows, int columns, long out, long stride, int step) {
    int r = 0;
    for (; r + 12 <= rows; r += 12) {
      MicroKernels.twelve(block, r * depth, panel, depth, tile);
      add(12, columns, out + r * stride, stride, step);
    }
    for (; r < rows; r += 4) {
      MicroKernels.four(block, r * depth, panel, depth, tile);
      add(Math.min(4, rows - r), columns, out + r * stride, stride, step);
    }
  }

  private void add(int rows, int columns, long out, long stride, int step) {
    if (columns < PANEL || step != 1) {
      addFew(rows, columns, out, stride, step);
      return;
    }
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < PANEL; c += Lanes.COUNT) {
        long at = out + r * stride + 4L * c;
        Lanes.store(Lanes.load(at).add(FloatVector.fromArray(Lanes.F32, tile, r * PANEL + c)), at);
      }
    }
  }

  private void addFew(int rows, int columns, long out, long stride, int step) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        long at = out + r * stride + 4L * c * step;
        Lanes.set(at, Lanes.get(at) + tile[r * PANEL + c]);
      }
    }
  }
}
