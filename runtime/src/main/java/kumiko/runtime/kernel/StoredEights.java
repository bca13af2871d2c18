package kumiko.runtime.kernel;

import kumiko.runtime.machine.Eights;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** The product of few rows of activations with a slab of weights by {@link Eights}, which read each weight once from memory. */
final class StoredEights {
  /**
   * Most rows of activations: with more, panels are as quick. On Zen 4 LLaMA-3.2-1B took by turns 1.2 times as long with 10 to 16 rows by
   * panels and weights in float32, as long with 32; with bf16 by bf16 1.1 to 1.3 times with 16 and 24, as long with 32; with bf16 that is
   * widened 1.4 times with 32.
   */
  static final int MOST_ROWS = 4 * Eights.EIGHT;

  /** Rows of weights whose results wait in a tile, and that are widened together. */
  private static final int TILE_ROWS = 48;

  /** The same where those are read from several places: as many results as those of all eights. */
  private static final int WHOLE_ROWS = TILE_ROWS * MOST_ROWS / Eights.EIGHT;

  /** Columns of weights whose sums, of all rows, stay in the second-level cache beside two blocks of weights. */
  private static final int STRIP = 3072;

  private static final int EIGHT = Eights.EIGHT;

  /** Of float32, which take the most; not a power of two, whose rows would share few lines of the nearest cache. */
  private static final int WIDE_STRIDE = Eights.MOST_COLUMNS * Float.BYTES + 64;

  private static final long TILE = (long) TILE_ROWS * Eights.TILE_BYTES;
  private static final long WIDE = MOST_ROWS / EIGHT * TILE;
  private static final long PACKED = WIDE + (long) TILE_ROWS * WIDE_STRIDE;

  private final Eights eights;
  private final TileResults results;

  /** Widens what the eights do not read; null where they read all there is. */
  private final StoredProduct stored;

  StoredEights(FloatProducts products) {
    eights = products.stored();
    results = new TileResults(products.moves(), Eights.TILE_BYTES);
    stored = products.stored();
  }

  StoredEights(PairProducts products) {
    eights = products.eights();
    results = new TileResults(products.moves(), Eights.TILE_BYTES);
    stored = null;
  }

  /** Tiles, widened weights, packed rows. */
  long scratchBytes(int rows, int columns) {
    return PACKED + packedBytes(Math.min(rows, MOST_ROWS), columns);
  }

  /** Of up to {@link #MOST_ROWS} rows: each eight of them in as many pieces as {@code columns} columns need. */
  long packedBytes(int rows, int columns) {
    return Math.ceilDiv(rows, EIGHT) * eightBytes(columns);
  }

  private long eightBytes(int columns) {
    return (long) Math.ceilDiv(columns, eights.columns()) * EIGHT * eights.stride();
  }

  /**
   * {@code y += x w^T} for up to {@link #MOST_ROWS} rows and weights {@code [first, end)} of a slab whose rows lie in order. All pieces of
   * a few weights follow one another, so that memory is read nearly in order, while a piece of the activations stays in the nearest cache.
   *
   * @param prepared address of all rows {@link #pack packed}, where the slab meets all columns, or 0
   * @param scratch address of {@link #scratchBytes} bytes
   */
  void multiply(DType type, Slab slab, Rows x, Rows y, int rows, int first, int end, long prepared, long scratch) {
    int groups = Math.ceilDiv(rows, EIGHT);
    long packed = prepared;
    if (packed == 0) {
      packed = scratch + PACKED;
      pack(x, slab.column(), slab.columns(), rows, packed, 0, rows);
    }
    boolean whole = groups == 1 && eights.readsWhole(type, type.bytes(slab.rowStride()), rows, slab.columns());
    int most = whole ? slab.columns() : eights.columns();
    int together = whole ? WHOLE_ROWS : TILE_ROWS;
    for (int i = first; i < end; i += together) {
      int weights = Math.min(together, end - i);
      Memory.clear(scratch, groups == 1 ? (long) weights * Eights.TILE_BYTES : groups * TILE);
      for (int k = 0; k < slab.columns(); k += most) {
        addPiece(type, slab, i, weights, k, Math.min(most, slab.columns() - k), rows, packed, scratch);
      }
      for (int g = 0; g < groups; g++) {
        int count = Math.min(EIGHT, rows - g * EIGHT);
        long to = VectorLinear.address(y, g * EIGHT, slab.row() + i * slab.rowStep());
        results.addTurned(scratch + g * TILE, weights, count, to, 4L * y.stride(), slab.rowStep());
      }
    }
  }

  /** Whether {@link #multiplyByColumns} takes so many rows and weights of this type. */
  boolean readsColumns(DType type, int rows) {
    return eights.readsColumns(type, rows);
  }

  /**
   * {@link #multiply} of a slab whose columns lie in order, and whose rows are neighbours in the weight.
   *
   * @param scratch address of {@link #scratchBytes} bytes
   */
  void multiplyByColumns(DType type, Slab slab, Rows x, Rows y, int rows, int first, int end, long scratch) {
    long stride = type.bytes(slab.columnStride());
    for (int k = 0; k < slab.columns(); k += eights.inputs()) {
      int columns = Math.min(eights.inputs(), slab.columns() - k);
      eights.packInputs(VectorLinear.address(x, 0, slab.column() + k), 4L * x.stride(), rows, columns, scratch);
      for (int i = first; i < end; i += STRIP) {
        long weights = slab.data().address() + type.bytes(slab.offset() + k * slab.columnStride() + i);
        long to = VectorLinear.address(y, 0, slab.row() + i);
        eights.addByColumns(type, weights, stride, columns, scratch, rows, Math.min(STRIP, end - i), to, 4L * y.stride());
      }
    }
  }

  /**
   * Rows {@code [from, to)} of {@code rows}, as {@link #multiply} takes them.
   *
   * @param from whole eights
   * @param packed address of what becomes of all rows
   */
  void pack(Rows x, int column, int columns, int rows, long packed, int from, int to) {
    for (int r = from; r < to; r += EIGHT) {
      packEight(x, r, Math.min(EIGHT, rows - r), column, columns, packed + r / EIGHT * eightBytes(columns));
    }
  }

  private void packEight(Rows x, int row, int count, int column, int columns, long to) {
    long piece = (long) EIGHT * eights.stride();
    for (int k = 0; k < columns; k += eights.columns()) {
      long at = to + k / eights.columns() * piece;
      long in = VectorLinear.address(x, row, column + k);
      eights.pack(in, 4L * x.stride(), count, Math.min(eights.columns(), columns - k), at);
    }
  }

  private void addPiece(DType type, Slab slab, int i, int count, int k, int columns, int rows, long packed, long scratch) {
    long row = slab.data().address() + type.bytes(slab.offset() + i * slab.rowStride());
    long stride = type.bytes(slab.rowStride());
    long piece = packed + (long) k / eights.columns() * EIGHT * eights.stride();
    long later = row + type.bytes(TILE_ROWS * slab.rowStride() + (long) k * count);
    boolean isRead = eights.reads(type);
    if (!isRead) {
      stored.widen(type, row, stride, count, k, columns, scratch + WIDE, WIDE_STRIDE);
    }
    for (int g = 0; g * EIGHT < rows; g++) {
      int others = Math.min(EIGHT, rows - g * EIGHT);
      long activations = piece + g * eightBytes(slab.columns());
      if (isRead) {
        eights.add(type, row + type.bytes(k), stride, count, activations, others, columns, scratch + g * TILE, later);
      } else {
        eights.add(DType.F32, scratch + WIDE, WIDE_STRIDE, count, activations, others, columns, scratch + g * TILE, scratch + WIDE);
      }
    }
  }
}
