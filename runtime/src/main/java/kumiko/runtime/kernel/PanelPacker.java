package kumiko.runtime.kernel;

import java.util.Arrays;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Slab;

/**
 * Copies weights of one stored type into a panel as {@link MicroKernels} read it: for each step of the inner dimension two vectors of
 * columns of the result, in float32; columns past the last are zero.
 */
final class PanelPacker {
  private final DType type;
  private final WeightRows weights;

  PanelPacker(DType type, WeightRows weights) {
    this.type = type;
    this.weights = weights;
  }

  /** Rows {@code first .. first + count} of the slab, its columns {@code k .. k + depth}; {@code rest} is room for a vector of rows. */
  void pack(Slab slab, int first, int count, int k, int depth, float[] panel, float[] rest) {
    if (slab.columnStride() == 1) {
      packRows(slab, first, count, k, depth, panel, rest);
      return;
    }
    for (int j = 0; j < depth; j++) {
      int at = VectorGemm.PANEL * j;
      weights.read(slab.data().address(), slab.offset() + first + (k + j) * slab.columnStride(), count, panel, at);
      Arrays.fill(panel, at + count, at + VectorGemm.PANEL, 0);
    }
  }

  private void packRows(Slab slab, int first, int count, int k, int depth, float[] panel, float[] rest) {
    for (int i = 0; i < VectorGemm.PANEL; i += Lanes.COUNT) {
      for (int j = 0; j < Lanes.COUNT; j++) {
        if (i + j < count) {
          long row = slab.data().address() + type.bytes(slab.offset() + (first + i + j) * slab.rowStride());
          weights.read(row, k, depth, rest, j * depth);
        } else {
          Arrays.fill(rest, j * depth, (j + 1) * depth, 0);
        }
      }
      for (int j = 0; j < Lanes.COUNT; j += 4) {
        turnFour(rest, j * depth, depth, panel, i + j);
      }
    }
  }

  /** Four rows of {@code depth} elements become columns of the panel. */
  private static void turnFour(float[] rows, int row, int depth, float[] panel, int column) {
    for (int k = 0; k < depth; k++) {
      int at = VectorGemm.PANEL * k + column;
      panel[at] = rows[row + k];
      panel[at + 1] = rows[row + depth + k];
      panel[at + 2] = rows[row + 2 * depth + k];
      panel[at + 3] = rows[row + 3 * depth + k];
    }
  }
}
