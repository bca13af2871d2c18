package kumiko.runtime.kernel;

import java.util.List;
import kumiko.runtime.machine.BfloatDots;
import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** The product of one row of activations with a slab of weights by {@link StoredProduct}, or by {@link BfloatDots} where they are bf16. */
final class StoredRow {
  /** The unit of a row of int8 lies before its first column, so it is never cut. */
  private static final int ALL_COLUMNS = Integer.MAX_VALUE / 2;

  /** Rows whose results wait until they go to where they belong. */
  private static final int MOST_SUMS = 1024;

  private static final long SUMS = (long) MOST_SUMS * Float.BYTES;

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
    return SUMS + (packs(type) ? packedBytes(columns) : 0);
  }

  /**
   * {@code y += x w^T} of one row and weights {@code [from, to)} of slabs {@code [s, behind)}, which are {@link SlabRows#together}, or one that
   * lies in rows. Rows that take turns in the weight, those of a rotary head that begin and end its pairs, are read as they lie in memory.
   *
   * @param prepared address of the row {@link #pack packed}, where the slabs meet all columns, or 0
   * @param scratch address of {@link #scratchBytes} bytes
   */
  void multiply(DType type, List<Slab> slabs, int s, int behind, Rows x, Rows y, int from, int to, long prepared, long scratch) {
    long packed = prepared;
    if (packed == 0 && packs(type)) {
      packed = scratch + SUMS;
      pack(VectorLinear.address(x, 0, slabs.get(s).column()), slabs.get(s).columns(), packed);
    }
    int i = s;
    int first = SlabRows.first(slabs.get(s), from);
    while (i < behind) {
      Slab slab = slabs.get(i);
      int end = SlabRows.end(slab, to);
      if (first >= end) {
        i++;
        first = i < behind ? SlabRows.first(slabs.get(i), from) : 0;
      } else if (slab.rowStep() == 1) {
        multiply(type, slab, x, first, end - first, packed, VectorLinear.address(y, 0, slab.row() + first));
        first = end;
      } else {
        int count = SlabRows.inLine(slabs, i, behind, first, from, to, MOST_SUMS);
        Memory.clear(scratch, (long) count * Float.BYTES);
        multiply(type, slab, x, first, count, packed, scratch);
        addTo(slabs, i, first, count, scratch, y);
        for (first += count; first > slabs.get(i).rows(); i++) {
          first -= slabs.get(i).rows();
        }
      }
    }
  }

  /** So many rows that follow row {@code first} in memory. */
  private void multiply(DType type, Slab slab, Rows x, int first, int rows, long packed, long out) {
    long stride = type.bytes(slab.rowStride());
    int most = pieceColumns(type);
    for (int k = 0; k < slab.columns(); k += most) {
      int columns = Math.min(most, slab.columns() - k);
      long weights = slab.data().address() + type.bytes(slab.offset() + first * slab.rowStride() + k);
      if (packs(type)) {
        dots.dots(weights, stride, rows, packed + dots.packedBytes(k), columns, out);
      } else {
        product.dots(type, weights, stride, rows, VectorLinear.address(x, 0, slab.column() + k), columns, out);
      }
    }
  }

  /** The sums of {@code count} rows from {@code first} of slab {@code i} on, to where those of the slabs belong. */
  private static void addTo(List<Slab> slabs, int i, int first, int count, long sums, Rows y) {
    int begin = first;
    for (int s = i, done = 0; done < count; s++) {
      Slab slab = slabs.get(s);
      int here = Math.min(count - done, slab.rows() - begin);
      long to = VectorLinear.address(y, 0, slab.row() + begin * slab.rowStep());
      long step = (long) Float.BYTES * slab.rowStep();
      for (int r = 0; r < here; r++) {
        Memory.set(to + r * step, Memory.get(to + r * step) + Memory.get(sums + (long) Float.BYTES * (done + r)));
      }
      done += here;
      begin = 0;
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
