package kumiko.runtime.kernel;

import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** The product of few rows of activations with a slab of weights by {@link StoredProduct}. */
final class StoredRows {
  /** Columns whose activations stay in the nearest cache, next to the weights that pass by; whole blocks of every type. */
  private static final int MOST_COLUMNS = 4096;

  private StoredRows() {}

  /**
   * {@code y += x w^T} for rows {@code [first, end)} of the slab; whether it was done: not where the slab lies so that the machine code
   * cannot read it, and not where several rows of activations had better meet each weight together.
   */
  static boolean multiply(StoredProduct product, DType type, Slab slab, Rows x, Rows y, int rows, int first, int end) {
    if (slab.columnStride() == 1 && product.hasDots(type)) {
      return rows == 1 && dots(product, type, slab, x, y, first, end);
    }
    if (slab.rowStride() == 1 && slab.rowStep() == 1 && product.hasSums(type)) {
      long weights = slab.data().address() + type.bytes(slab.offset() + first);
      for (int r = 0; r < rows; r++) {
        product.sums(
            type, weights, type.bytes(slab.columnStride()), slab.columns(), VectorLinear.address(x, r, slab.column()), end - first,
            VectorLinear.address(y, r, slab.row() + first));
      }
      return true;
    }
    return false;
  }

  private static boolean dots(StoredProduct product, DType type, Slab slab, Rows x, Rows y, int first, int end) {
    long stride = type.bytes(slab.rowStride());
    int together = slab.rowStep() == 1 ? end - first : 1;
    for (int k = 0; k < slab.columns(); k += MOST_COLUMNS) {
      long in = VectorLinear.address(x, 0, slab.column() + k);
      int columns = Math.min(MOST_COLUMNS, slab.columns() - k);
      for (int i = first; i < end; i += together) {
        long weights = slab.data().address() + type.bytes(slab.offset() + i * slab.rowStride() + k);
        product.dots(type, weights, stride, together, in, columns, VectorLinear.address(y, 0, slab.row() + i * slab.rowStep()));
      }
    }
    return true;
  }
}
