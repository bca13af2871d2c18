package kumiko.runtime.kernel;

import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.PackedProduct;
import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** The product of one row of activations with a slab of weights by {@link StoredProduct}, or a {@link PackedProduct} for their type. */
final class StoredRow {
  /** Columns whose activations stay in the nearest cache, next to the weights that pass by; whole blocks of every type. */
  private static final int MOST_COLUMNS = 4096;

  /** The same of weights in blocks: a row of 8192 in q4_0 takes a seventh longer when it is left in the middle and taken up again. */
  private static final int MOST_COLUMNS_OF_BLOCKS = 8192;

  /** The unit of a row of int8 lies before its first column, so it is never cut. */
  private static final int ALL_COLUMNS = Integer.MAX_VALUE / 2;

  private final StoredProduct product;

  private final PackedProduct pairs;

  /** Null where there is none. */
  private final PackedProduct blocks;

  StoredRow(FloatProducts products, Arithmetic arithmetic) {
    product = products.stored();
    pairs = products.pairs();
    blocks = arithmetic == Arithmetic.BFLOAT16 ? products.roughBlocks() : products.blocks();
  }

  /** Whether weights of this type can be read row by row. */
  boolean reads(DType type) {
    return product.dotsOf(type) || packed(type) != null;
  }

  /** Null where weights of this type meet the row as it is. */
  private PackedProduct packed(DType type) {
    return switch (type) {
      case BF16 -> pairs;
      case Q8_0, Q4_0 -> blocks;
      default -> null;
    };
  }

  /** For {@link #multiply}. */
  long scratchBytes(DType type, int columns) {
    PackedProduct packed = packed(type);
    return packed == null ? 0 : packed.packedBytes(type, Math.min(mostColumns(type), columns));
  }

  private static int mostColumns(DType type) {
    return type == DType.I8_ROWS ? ALL_COLUMNS : type.blockElements() > 1 ? MOST_COLUMNS_OF_BLOCKS : MOST_COLUMNS;
  }

  /**
   * {@code y += x w^T} of one row and weights {@code [first, end)} of a slab whose rows lie in order; {@code scratch} is the address of
   * {@link #scratchBytes} bytes.
   */
  void multiply(DType type, Slab slab, Rows x, Rows y, int first, int end, long scratch) {
    PackedProduct packed = packed(type);
    long stride = type.bytes(slab.rowStride());
    int most = mostColumns(type);
    int together = slab.rowStep() == 1 ? end - first : 1;
    for (int k = 0; k < slab.columns(); k += most) {
      long in = VectorLinear.address(x, 0, slab.column() + k);
      int columns = Math.min(most, slab.columns() - k);
      if (packed != null) {
        packed.pack(type, in, columns, scratch);
      }
      for (int i = first; i < end; i += together) {
        long weights = slab.data().address() + type.bytes(slab.offset() + i * slab.rowStride() + k);
        long out = VectorLinear.address(y, 0, slab.row() + i * slab.rowStep());
        if (packed != null) {
          packed.dots(type, weights, stride, together, scratch, columns, out);
        } else {
          product.dots(type, weights, stride, together, in, columns, out);
        }
      }
    }
  }

  /** The same of a slab whose columns lie in order, and whose rows are neighbours in the weight. */
  void multiplyByColumns(DType type, Slab slab, Rows x, Rows y, int first, int end) {
    long weights = slab.data().address() + type.bytes(slab.offset() + first);
    long in = VectorLinear.address(x, 0, slab.column());
    product.sums(
        type, weights, type.bytes(slab.columnStride()), slab.columns(), in, end - first, VectorLinear.address(y, 0, slab.row() + first));
  }
}
