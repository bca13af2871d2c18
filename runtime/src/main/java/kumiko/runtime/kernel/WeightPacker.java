package kumiko.runtime.kernel;

import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Slab;

/** Copies weights of one stored type, widened to float32, as {@link MicroKernels} read them: rows {@link VectorGemm#STRIDE} apart. */
interface WeightPacker {
  /**
   * Rows {@code first .. first + count} of the slab, its columns {@code k .. k + depth}. Rows that are missing from a whole tile are
   * left as they were: they only reach sums that nobody reads.
   */
  void pack(Slab slab, int first, int count, int k, int depth, float[] rows);

  /** The same, rounded to bf16. */
  default WeightPacker rounded() {
    return (slab, first, count, k, depth, rows) -> {
      pack(slab, first, count, k, depth, rows);
      for (int i = 0; i < count; i++) {
        BfloatLinear.round(rows, i * VectorGemm.STRIDE, depth);
      }
    };
  }

  /** Of a type whose rows or columns lie in order. */
  record OfRows(DType type, WeightRows weights) implements WeightPacker {
    @Override
    public void pack(Slab slab, int first, int count, int k, int depth, float[] rows) {
      if (slab.columnStride() == 1) {
        for (int i = 0; i < count; i++) {
          long row = slab.data().address() + type.bytes(slab.offset() + (first + i) * slab.rowStride());
          weights.read(row, k, depth, rows, i * VectorGemm.STRIDE);
        }
        return;
      }
      float[] column = Desk.ofThread().column;
      for (int j = 0; j < depth; j++) {
        weights.read(slab.data().address(), slab.offset() + first + (k + j) * slab.columnStride(), count, column, 0);
        for (int i = 0; i < count; i++) {
          rows[i * VectorGemm.STRIDE + j] = column[i];
        }
      }
    }
  }

  /** Of a type that lies in tiles. */
  record OfBlocks(DType type) implements WeightPacker {
    @Override
    public void pack(Slab slab, int first, int count, int k, int depth, float[] rows) {
      for (int i = 0; i < count; i++) {
        VectorBlocks.read(type, slab, first + i, k, depth, rows, i * VectorGemm.STRIDE);
      }
    }
  }
}
