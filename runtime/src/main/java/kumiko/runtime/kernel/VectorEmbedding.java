package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** Rows of an embedding table. */
final class VectorEmbedding {
  private VectorEmbedding() {}

  /** @param stored widens rows; null where only the Vector API does */
  static void embed(Matrix table, MemorySegment ids, Rows out, int from, int to, ScalarKernels scalar, StoredProduct stored) {
    Format format = Format.of(table.dtype());
    float[] row = Desk.ofThread().rows(table.columns());
    for (int r = from; r < to; r++) {
      int id = Memory.getInt(ids.address() + 4L * r);
      Slab slab = wholeRow(format, table, id);
      if (slab == null || (format.isInBlocks() && !VectorApi.IS_THERE)) {
        scalar.embed(table, ids, out, r, r + 1);
      } else if (format.isInBlocks()) {
        VectorBlocks.read(table.dtype(), slab, slab.indexOf(id), 0, table.columns(), row, 0);
        Memory.write(row, 0, VectorLinear.address(out, r, 0), table.columns());
      } else if (stored != null) {
        long start = slab.data().address() + table.dtype().bytes(slab.offset() + slab.indexOf(id) * slab.rowStride());
        stored.widen(table.dtype(), start, 0, 1, 0, table.columns(), VectorLinear.address(out, r, 0), 0);
      } else {
        long start = slab.data().address() + format.bytes(slab.offset() + slab.indexOf(id) * slab.rowStride());
        format.rows().read(start, 0, table.columns(), row, 0);
        Memory.write(row, 0, VectorLinear.address(out, r, 0), table.columns());
      }
    }
  }

  /** The one slab that has the row in one piece, or null. */
  private static Slab wholeRow(Format format, Matrix table, int id) {
    Slab found = null;
    for (int s = 0; s < table.slabs().size(); s++) {
      Slab slab = table.slabs().get(s);
      if (slab.indexOf(id) >= 0) {
        boolean whole = format != null && format.reads(slab) && slab.columnStride() == 1 && slab.columns() == table.columns();
        if (found != null || !whole) {
          return null;
        }
        found = slab;
      }
    }
    return found;
  }
}
