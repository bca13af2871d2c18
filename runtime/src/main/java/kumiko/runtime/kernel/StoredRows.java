package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.machine.PanelMoves;
import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** The product of few rows of activations with a slab of weights by {@link StoredProduct}, which reads each weight once from memory. */
final class StoredRows {
  /** Columns whose activations stay in the nearest cache, next to the weights that pass by; whole blocks of every type. */
  private static final int MOST_COLUMNS = 4096;

  /** Rows of weights whose results wait in a tile, and that are widened together. */
  private static final int TILE_ROWS = 96;

  private static final int EIGHT = StoredProduct.EIGHT;

  /** Rows of activations up to which {@link #multiplySeveral} is quicker than panels of them. */
  static final int SEVERAL = EIGHT;

  private static final long TILE = (long) EIGHT * StoredProduct.EIGHT_STRIDE;
  private static final long WIDE = TILE + (long) TILE_ROWS * PanelLayout.TILE_BYTES;
  private static final int WIDE_STRIDE = StoredProduct.EIGHT_STRIDE;
  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  /** Eight rows of activations, tile, widened weights. */
  static final long SCRATCH_BYTES = WIDE + (long) TILE_ROWS * WIDE_STRIDE;

  private final StoredProduct product;
  private final PanelMoves moves;

  StoredRows(FloatProducts products) {
    product = products.stored();
    moves = products.moves();
  }

  /** {@code y += x w^T} of one row and weights {@code [first, end)} of a slab whose rows lie in order. */
  void multiplyOne(DType type, Slab slab, Rows x, Rows y, int first, int end) {
    long stride = type.bytes(slab.rowStride());
    // The unit of a row of int8 lies before its first column.
    int most = type == DType.I8_ROWS ? slab.columns() : MOST_COLUMNS;
    int together = slab.rowStep() == 1 ? end - first : 1;
    for (int k = 0; k < slab.columns(); k += most) {
      long in = VectorLinear.address(x, 0, slab.column() + k);
      int columns = Math.min(most, slab.columns() - k);
      for (int i = first; i < end; i += together) {
        long weights = slab.data().address() + type.bytes(slab.offset() + i * slab.rowStride() + k);
        product.dots(type, weights, stride, together, in, columns, VectorLinear.address(y, 0, slab.row() + i * slab.rowStep()));
      }
    }
  }

  /** The same of a slab whose columns lie in order, and whose rows are neighbours in the weight. */
  void multiplyOneByColumns(DType type, Slab slab, Rows x, Rows y, int first, int end) {
    long weights = slab.data().address() + type.bytes(slab.offset() + first);
    long in = VectorLinear.address(x, 0, slab.column());
    product.sums(
        type, weights, type.bytes(slab.columnStride()), slab.columns(), in, end - first, VectorLinear.address(y, 0, slab.row() + first));
  }

  /** The same of several rows and a slab whose rows lie in order. */
  void multiplySeveral(DType type, Slab slab, Rows x, Rows y, int rows, int first, int end, long scratch) {
    for (int r = 0; r < rows; r += EIGHT) {
      int count = Math.min(EIGHT, rows - r);
      MEMORY.asSlice(scratch + (long) count * StoredProduct.EIGHT_STRIDE, (long) (EIGHT - count) * StoredProduct.EIGHT_STRIDE)
          .fill((byte) 0);
      for (int k = 0; k < slab.columns(); k += StoredProduct.EIGHT_COLUMNS) {
        int columns = Math.min(StoredProduct.EIGHT_COLUMNS, slab.columns() - k);
        long in = VectorLinear.address(x, r, slab.column() + k);
        product.widen(DType.F32, in, 4L * x.stride(), count, 0, columns, scratch, StoredProduct.EIGHT_STRIDE);
        for (int i = first; i < end; i += TILE_ROWS) {
          eights(type, slab, i, Math.min(TILE_ROWS, end - i), k, columns, scratch);
          add(scratch + TILE, Math.min(TILE_ROWS, end - i), count, y, r, slab.row() + i * slab.rowStep(), slab.rowStep());
        }
      }
    }
  }

  private void eights(DType type, Slab slab, int i, int count, int k, int columns, long scratch) {
    long row = slab.data().address() + type.bytes(slab.offset() + i * slab.rowStride());
    long stride = type.bytes(slab.rowStride());
    MEMORY.asSlice(scratch + TILE, (long) count * PanelLayout.TILE_BYTES).fill((byte) 0);
    if (product.hasEights(type)) {
      product.eights(type, row + type.bytes(k), stride, count, scratch, columns, scratch + TILE);
    } else {
      product.widen(type, row, stride, count, k, columns, scratch + WIDE, WIDE_STRIDE);
      product.eights(DType.F32, scratch + WIDE, WIDE_STRIDE, count, scratch, columns, scratch + TILE);
    }
  }

  private void add(long tile, int count, int rows, Rows y, int row, int column, int step) {
    long stride = 4L * y.stride();
    long at = VectorLinear.address(y, row, column);
    for (int i = 0; i < count; i += PanelLayout.STRIP) {
      long from = tile + (long) i * PanelLayout.TILE_BYTES;
      int columns = Math.min(PanelLayout.STRIP, count - i);
      if (step == 1) {
        moves.add(from, at + 4L * i, stride, rows, columns);
        continue;
      }
      for (int r = 0; r < rows; r++) {
        for (int c = 0; c < columns; c++) {
          long place = at + r * stride + 4L * (i + c) * step;
          Lanes.set(place, Lanes.get(place) + Lanes.get(from + (long) c * PanelLayout.TILE_BYTES + 4L * r));
        }
      }
    }
  }
}
