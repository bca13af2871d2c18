package kumiko.runtime.kernel;

import java.lang.foreign.ValueLayout;
import java.util.List;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.machine.TileParts;
import kumiko.runtime.machine.TileRows;
import kumiko.runtime.machine.TileWork;
import kumiko.runtime.tensor.BlockTile;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Slab;

/** Brings {@value #LANES} rows of a weight at a time into a panel for {@link TileRows}, in the type and place they are stored. */
final class TilePanels {
  /** Rows of the weight in a panel. */
  static final int LANES = TileRows.STRIPS * PanelLayout.STRIP;

  /** Of the addresses of those rows. */
  static final int TABLE_BYTES = LANES * Long.BYTES;

  private static final int LINE = 64;
  private static final long STRIP_BYTES = PanelLayout.STRIP * Integer.BYTES;
  private static final long STRIP_TABLE = PanelLayout.STRIP * Long.BYTES;

  private final PairProducts products;

  /** Whether activations are rounded, or taken apart. */
  private final boolean rounds;

  TilePanels(PairProducts products, boolean rounds) {
    this.products = products;
    this.rounds = rounds;
  }

  /** In which numbers of bf16 this weight is multiplied. */
  TileParts parts(Matrix weight) {
    return rounds ? TileParts.NONE : TileParts.ofFloats(weight.dtype());
  }

  /** Whether panels can be made of all rows of this weight: they lie in order, its tiles or its columns in one place besides. */
  boolean takes(Matrix weight) {
    DType type = weight.dtype();
    boolean isRead = type == DType.BF16 || (rounds ? BlockTile.holds(type) : products.weightParts().reads(type));
    return isRead && weight.columns() % TileRows.STEP == 0 && (isInRows(weight) || isInOrder(weight));
  }

  /** Whether every row of the weight lies in order, over all columns, in one place. */
  private static boolean isInRows(Matrix weight) {
    Format format = Format.of(weight.dtype());
    List<Slab> slabs = weight.slabs();
    long rows = 0;
    for (int s = 0; s < slabs.size(); s++) {
      Slab slab = slabs.get(s);
      if (format.isInBlocks() || slab.columnStride() != 1 || slab.columns() != weight.columns()) {
        return false;
      }
      rows += slab.rows();
    }
    return rows == weight.rows();
  }

  private static boolean isInOrder(Matrix weight) {
    Slab slab = weight.slabs().getFirst();
    boolean whole = weight.slabs().size() == 1 && slab.rows() == weight.rows() && slab.columns() == weight.columns();
    return whole && slab.rowStep() == 1 && (slab.rowStride() == 1 || BlockTile.holds(weight.dtype()));
  }

  /** Rows of a tile of blocks before this one; panels begin with tiles. */
  static int skipped(Matrix weight, int row) {
    return BlockTile.holds(weight.dtype()) ? row % LANES : 0;
  }

  /** Whether this weight takes longer to pack than rows do. */
  static boolean isSlow(Matrix weight) {
    return BlockTile.holds(weight.dtype()) || isInColumns(weight);
  }

  private static boolean isInColumns(Matrix weight) {
    return weight.slabs().getFirst().columnStride() != 1;
  }

  /**
   * Columns {@code [k, k + columns)} of {@code lanes} rows from {@code row} on; lanes past the last hold one of them again, or nothing.
   *
   * @param table address of {@link #TABLE_BYTES}
   */
  void pack(Matrix weight, int row, int lanes, int k, int columns, long table, long panel) {
    if (!BlockTile.holds(weight.dtype()) && !isInColumns(weight)) {
      addresses(weight, row, lanes, table);
    }
    if (parts(weight).ofWeight() == 1) {
      packWhole(weight, row, lanes, k, columns, table, panel);
    } else {
      packParts(weight, row, lanes, k, columns / TileRows.STEP, table, panel);
    }
  }

  private void packWhole(Matrix weight, int row, int lanes, int k, int columns, long table, long panel) {
    DType type = weight.dtype();
    if (BlockTile.holds(type)) {
      products.widening().widen(type, tiles(weight, row) + columnOffset(weight, k), columns, panel, TileRows.STRIPS);
    } else if (isInColumns(weight)) {
      products.moves().packColumns(lane(weight, row) + columnOffset(weight, k), columnStride(weight), columns, lanes, TileRows.STRIPS,
          panel);
    } else {
      for (int s = 0; s < TileRows.STRIPS; s++) {
        products.moves().packFloats(table + s * STRIP_TABLE, type.bytes(k), columns / 2, panel + s * STRIP_BYTES, TileRows.STRIPS);
      }
    }
  }

  private void packParts(Matrix weight, int row, int lanes, int k, int steps, long table, long panel) {
    DType type = weight.dtype();
    if (BlockTile.holds(type)) {
      products.weightParts().packBlocks(type, tiles(weight, row) + columnOffset(weight, k), steps, panel);
    } else if (isInColumns(weight)) {
      products.weightParts().packColumns(type, lane(weight, row) + columnOffset(weight, k), columnStride(weight), steps, lanes, panel);
    } else {
      for (int s = 0; s < TileRows.STRIPS; s++) {
        products.weightParts().packRows(type, table + s * STRIP_TABLE, type.bytes(k), steps, panel + s * STRIP_BYTES);
      }
    }
  }

  /** Has {@link TileRows} ask memory for column {@code k} and what follows of the panel that begins with {@code row}. */
  void askFor(Matrix weight, int row, int lanes, int k, long table, long work) {
    DType type = weight.dtype();
    long first = columnOffset(weight, k);
    if (BlockTile.holds(type)) {
      ask(work, first + tiles(weight, row), BlockTile.bytes(type) / TileRows.rowsAhead(parts(weight)), LINE);
    } else if (isInColumns(weight)) {
      ask(work, first + lane(weight, row), columnStride(weight), TileRows.STEP * columnStride(weight));
    } else {
      long stride = type.bytes(weight.slabs().getFirst().rowStride());
      ask(work, first + addresses(weight, row, lanes, table), stride, type.bytes(TileRows.STEP));
    }
  }

  private static void ask(long work, long at, long stride, long step) {
    TileWork.AHEAD.set(work, at);
    TileWork.AHEAD_STRIDE.set(work, stride);
    TileWork.AHEAD_STEP.set(work, step);
  }

  /** Bytes from the first column of a row, or of a row of tiles, to another. */
  static long columnOffset(Matrix weight, int column) {
    DType type = weight.dtype();
    if (BlockTile.holds(type)) {
      return BlockTile.offset(type, weight.columns(), 0, column);
    }
    return type.bytes(column * weight.slabs().getFirst().columnStride());
  }

  /** Bytes from a column to the next, where they are apart. */
  private static long columnStride(Matrix weight) {
    return weight.dtype().bytes(weight.slabs().getFirst().columnStride());
  }

  /** Where a row begins in the first column, where columns are apart. */
  private static long lane(Matrix weight, int row) {
    Slab slab = weight.slabs().getFirst();
    return slab.data().address() + weight.dtype().bytes(slab.offset() + row);
  }

  private static long tiles(Matrix weight, int row) {
    return weight.slabs().getFirst().data().address() + BlockTile.offset(weight.dtype(), weight.columns(), row, 0);
  }

  /**
   * Where the rows of the weight from {@code row} on begin, into a table; lanes past the last hold one of them again. Returns the first of
   * them in memory.
   */
  private static long addresses(Matrix weight, int row, int lanes, long table) {
    long least = Long.MAX_VALUE;
    List<Slab> slabs = weight.slabs();
    for (int s = 0; s < slabs.size(); s++) {
      Slab slab = slabs.get(s);
      for (int i = SlabRows.first(slab, row); i < SlabRows.end(slab, row + lanes); i++) {
        long at = slab.data().address() + weight.dtype().bytes(slab.offset() + i * slab.rowStride());
        int lane = slab.row() + i * slab.rowStep() - row;
        Memory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, table + (long) lane * Long.BYTES, at);
        least = Math.min(least, at);
      }
    }
    for (int lane = lanes; lane < LANES; lane++) {
      Memory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, table + (long) lane * Long.BYTES, least);
    }
    return least;
  }
}
