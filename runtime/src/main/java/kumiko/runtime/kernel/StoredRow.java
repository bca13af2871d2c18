package kumiko.runtime.kernel;

import kumiko.runtime.machine.BfloatDots;
import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** The product of one row of activations with a slab of weights by {@link StoredProduct}, or by {@link BfloatDots} where they are bf16. */
final class StoredRow {
  /** The unit of a row of int8 lies before its first column, so it is never cut. */
  private static final int ALL_COLUMNS = Integer.MAX_VALUE / 2;

  private final StoredProduct product;

  /** May be null. */
  private final BfloatDots dots;

  /** @param dots with weights of bf16; null to multiply those as all others */
  StoredRow(StoredProduct product, BfloatDots dots) {
    this.product = product;
    this.dots = dots;
  }

  /** Whether weights of this type can be read row by row. */
  boolean reads(DType type) {
    return product.dotsOf(type);
  }

  /** Whether the row is packed for weights of this type. */
  boolean packs(DType type) {
    return type == DType.BF16 && dots != null;
  }

  long packedBytes(int columns) {
    return dots.packedBytes(columns);
  }

  void pack(long x, int columns, long packed) {
    dots.pack(x, columns, packed);
  }

  /** For {@link #multiply}. */
  long scratchBytes(DType type, int columns) {
    return packs(type) ? packedBytes(columns) : 0;
  }

  /**
   * {@code y += x w^T} of one row and weights {@code [first, end)} of a slab whose rows lie in order.
   *
   * @param prepared address of the row {@link #pack packed}, where the slab meets all columns, or 0
   * @param scratch address of {@link #scratchBytes} bytes
   */
  void multiply(DType type, Slab slab, Rows x, Rows y, int first, int end, long prepared, long scratch) {
    long packed = prepared;
    if (packed == 0 && packs(type)) {
      packed = scratch;
      pack(VectorLinear.address(x, 0, slab.column()), slab.columns(), packed);
    }
    long stride = type.bytes(slab.rowStride());
    int most = pieceColumns(type);
    int together = slab.rowStep() == 1 ? end - first : 1;
    for (int k = 0; k < slab.columns(); k += most) {
      long in = VectorLinear.address(x, 0, slab.column() + k);
      int columns = Math.min(most, slab.columns() - k);
      for (int i = first; i < end; i += together) {
        long weights = slab.data().address() + type.bytes(slab.offset() + i * slab.rowStride() + k);
        long out = VectorLinear.address(y, 0, slab.row() + i * slab.rowStep());
        if (packs(type)) {
          dots.dots(weights, stride, together, packed + dots.packedBytes(k), columns, out);
        } else {
          product.dots(type, weights, stride, together, in, columns, out);
        }
      }
    }
  }

  private int pieceColumns(DType type) {
    if (type == DType.I8_ROWS) {
      return ALL_COLUMNS;
    }
    return packs(type) ? dots.pieceColumns() : product.pieceColumns();
  }

  /** The same of a slab whose columns lie in order, and whose rows are neighbours in the weight. */
  void multiplyByColumns(DType type, Slab slab, Rows x, Rows y, int first, int end) {
    long weights = slab.data().address() + type.bytes(slab.offset() + first);
    long in = VectorLinear.address(x, 0, slab.column());
    product.sums(
        type, weights, type.bytes(slab.columnStride()), slab.columns(), in, end - first, VectorLinear.address(y, 0, slab.row() + first));
  }
}
