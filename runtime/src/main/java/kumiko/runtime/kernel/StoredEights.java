package kumiko.runtime.kernel;

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
  private static final int TILE_ROWS = 48;

  private static final int EIGHT = Eights.EIGHT;

  /** Of float32, which take the most; not a power of two, whose rows would share few lines of the nearest cache. */
  private static final int WIDE_STRIDE = Eights.COLUMNS * Float.BYTES + 64;

  private static final long WIDE = (long) TILE_ROWS * PanelLayout.TILE_BYTES;
  private static final long ACTIVATIONS = WIDE + (long) TILE_ROWS * WIDE_STRIDE;

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

  /** Tile, widened weights, and eight rows of activations in as many pieces as {@code columns} columns need. */
  static long scratchBytes(int columns) {
    return ACTIVATIONS + (long) Math.ceilDiv(columns, Eights.COLUMNS) * EIGHT * WIDE_STRIDE;
  }

  /**
   * {@code y += x w^T} for weights {@code [first, end)} of a slab whose rows lie in order; {@code scratch} is the address of {@link
   * #scratchBytes} bytes. All pieces of a few weights follow one another, so that memory is read nearly in order, while a piece of the
   * activations stays in the nearest cache.
   */
  void multiply(DType type, Slab slab, Rows x, Rows y, int rows, int first, int end, long scratch) {
    for (int r = 0; r < rows; r += EIGHT) {
      int count = Math.min(EIGHT, rows - r);
      pack(slab, x, r, count, scratch + ACTIVATIONS);
      for (int i = first; i < end; i += TILE_ROWS) {
        int weights = Math.min(TILE_ROWS, end - i);
        Lanes.clear(scratch, (long) weights * PanelLayout.TILE_BYTES);
        for (int k = 0; k < slab.columns(); k += Eights.COLUMNS) {
          addPiece(type, slab, i, weights, k, scratch);
        }
        add(scratch, weights, count, y, r, slab.row() + i * slab.rowStep(), slab.rowStep());
      }
    }
  }

  private void pack(Slab slab, Rows x, int row, int count, long to) {
    long piece = (long) EIGHT * eights.stride();
    for (int k = 0; k < slab.columns(); k += Eights.COLUMNS) {
      long at = to + k / Eights.COLUMNS * piece;
      long in = VectorLinear.address(x, row, slab.column() + k);
      eights.pack(in, 4L * x.stride(), count, Math.min(Eights.COLUMNS, slab.columns() - k), at);
      long given = (long) count * eights.stride();
      Lanes.clear(at + given, piece - given);
    }
  }

  private void addPiece(DType type, Slab slab, int i, int count, int k, long scratch) {
    long row = slab.data().address() + type.bytes(slab.offset() + i * slab.rowStride());
    long stride = type.bytes(slab.rowStride());
    int columns = Math.min(Eights.COLUMNS, slab.columns() - k);
    long piece = scratch + ACTIVATIONS + (long) k / Eights.COLUMNS * EIGHT * eights.stride();
    if (eights.reads(type)) {
      eights.add(type, row + type.bytes(k), stride, count, piece, columns, scratch);
    } else {
      stored.widen(type, row, stride, count, k, columns, scratch + WIDE, WIDE_STRIDE);
      eights.add(DType.F32, scratch + WIDE, WIDE_STRIDE, count, piece, columns, scratch);
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
