package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.machine.Eights;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.machine.PanelMoves;
import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** The product of few rows of activations with a slab of weights by {@link Eights}, which read each weight once from memory. */
final class StoredEights {
  /** Rows of activations up to which this is quicker than panels of them. */
  static final int MOST_ROWS = Eights.EIGHT;

  /** Rows of weights whose results wait in a tile, and that are widened together. */
  private static final int TILE_ROWS = 96;

  private static final int EIGHT = Eights.EIGHT;

  /** Of float32, which take the most; not a power of two, whose rows would share few lines of the nearest cache. */
  private static final int WIDE_STRIDE = Eights.COLUMNS * Float.BYTES + 64;

  private static final long TILE = (long) EIGHT * WIDE_STRIDE;
  private static final long WIDE = TILE + (long) TILE_ROWS * PanelLayout.TILE_BYTES;
  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  /** Eight rows of activations, tile, widened weights. */
  static final long SCRATCH_BYTES = WIDE + (long) TILE_ROWS * WIDE_STRIDE;

  private final Eights eights;
  private final PanelMoves moves;

  /** Widens what the eights do not read; null where they read all there is. */
  private final StoredProduct stored;

  StoredEights(FloatProducts products) {
    eights = products.stored();
    moves = products.moves();
    stored = products.stored();
  }

  StoredEights(PairProducts products) {
    eights = products.eights();
    moves = products.moves();
    stored = null;
  }

  /** {@code y += x w^T} for weights {@code [first, end)} of a slab whose rows lie in order; {@code scratch} is the address of {@link #SCRATCH_BYTES} bytes. */
  void multiply(DType type, Slab slab, Rows x, Rows y, int rows, int first, int end, long scratch) {
    for (int r = 0; r < rows; r += EIGHT) {
      int count = Math.min(EIGHT, rows - r);
      MEMORY.asSlice(scratch + (long) count * eights.stride(), (long) (EIGHT - count) * eights.stride())
          .fill((byte) 0);
      for (int k = 0; k < slab.columns(); k += Eights.COLUMNS) {
        int columns = Math.min(Eights.COLUMNS, slab.columns() - k);
        long in = VectorLinear.address(x, r, slab.column() + k);
        eights.pack(in, 4L * x.stride(), count, columns, scratch);
        for (int i = first; i < end; i += TILE_ROWS) {
          tile(type, slab, i, Math.min(TILE_ROWS, end - i), k, columns, scratch);
          add(scratch + TILE, Math.min(TILE_ROWS, end - i), count, y, r, slab.row() + i * slab.rowStep(), slab.rowStep());
        }
      }
    }
  }

  private void tile(DType type, Slab slab, int i, int count, int k, int columns, long scratch) {
    long row = slab.data().address() + type.bytes(slab.offset() + i * slab.rowStride());
    long stride = type.bytes(slab.rowStride());
    MEMORY.asSlice(scratch + TILE, (long) count * PanelLayout.TILE_BYTES).fill((byte) 0);
    if (eights.reads(type)) {
      eights.add(type, row + type.bytes(k), stride, count, scratch, columns, scratch + TILE);
    } else {
      stored.widen(type, row, stride, count, k, columns, scratch + WIDE, WIDE_STRIDE);
      eights.add(DType.F32, scratch + WIDE, WIDE_STRIDE, count, scratch, columns, scratch + TILE);
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
