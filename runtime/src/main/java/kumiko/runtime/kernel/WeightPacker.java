package kumiko.runtime.kernel;

import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Slab;

/** Copies weights of one stored type, widened to float32, as {@link MicroKernels} read them: rows {@link VectorGemm#STRIDE} apart. */
final class WeightPacker {
  private final DType type;
  private final WeightRows weights;

  WeightPacker(DType type, WeightRows weights) {
    this.type = type;
    this.weights = weights;
  }

  /**
   * Rows {@code first .. first + count} of the slab, its columns {@code k .. k + depth}. Rows that are missing from a whole tile are
   * left as they were: they only reach sums that nobody reads.
   */
  void pack(Slab slab, int first, int count, int k, int depth, float[] rows) {
    if (slab.columnStride() == 1) {
      for (int i = 0; i < count; i++) {
        long row = slab.data().address() + type.bytes(slab.offset() + (first + i) * slab.rowStride());
        weights.read(row, k, depth, rows, i * VectorGemm.STRIDE);
      }
      return;
    }
    float[] column = Desk.ofThread().room;
    for (int j = 0; j < depth; j++) {
      weights.read(slab.data().address(), slab.offset() + first + (k + j) * slab.columnStride(), count, column, 0);
      for (int i = 0; i < count; i++) {
        rows[i * VectorGemm.STRIDE + j] = column[i];
      }
    }
  }
}
