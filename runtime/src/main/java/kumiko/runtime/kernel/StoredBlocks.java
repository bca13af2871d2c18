package kumiko.runtime.kernel;

import kumiko.runtime.machine.BlockProduct;
import kumiko.runtime.machine.RowFunctions;
import kumiko.runtime.tensor.BlockTile;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** The product of few rows of activations with a weight in {@link BlockTile tiles of blocks}, each of which is read once from memory. */
final class StoredBlocks {
  /** Most rows of activations: more of them take less time as float32. */
  static final int MOST_ROWS = 3 * BlockProduct.MOST_ROWS;

  /** Rows of tiles whose results wait, where all rows of activations are multiplied at once; of a single row there is room for more. */
  private static final int TILE_ROWS = 16;

  private static final long RESULTS = (long) TILE_ROWS * BlockProduct.MOST_ROWS * BlockTile.ROWS * Float.BYTES;

  private final BlockProduct product;
  private final RowFunctions functions;

  StoredBlocks(BlockProduct product, RowFunctions functions) {
    this.product = product;
    this.functions = functions;
  }

  /** For results that wait, and packed rows. */
  long scratchBytes(int rows, int columns) {
    return RESULTS + packedBytes(rows, columns);
  }

  /** Of up to {@code rows} rows. */
  long packedBytes(int rows, int columns) {
    return (long) Math.ceilDiv(Math.min(rows, MOST_ROWS), BlockProduct.MOST_ROWS) * product.packedBytes(BlockProduct.MOST_ROWS, columns);
  }

  /** Whether one slab is the whole weight. */
  static boolean readsAll(Matrix weight) {
    return weight.slabs().size() == 1 && weight.slabs().getFirst().columns() == weight.columns();
  }

  /**
   * {@code y += x w^T} for up to {@link #MOST_ROWS} rows and weights {@code [first, end)} of a slab.
   *
   * @param prepared address of all rows {@link #pack packed}, where the slab meets all columns, or 0
   * @param scratch address of {@link #scratchBytes} bytes
   */
  void multiply(DType type, Slab slab, Rows x, Rows y, int rows, int first, int end, long prepared, long scratch) {
    long all = prepared;
    if (all == 0) {
      all = scratch + RESULTS;
      pack(type, x, slab.column(), slab.columns(), rows, all, 0, rows);
    }
    int together = rows == 1 ? TILE_ROWS * BlockProduct.MOST_ROWS : rows <= BlockProduct.MOST_ROWS ? TILE_ROWS : 1;
    int last = Math.ceilDiv(end, BlockTile.ROWS);
    for (int t = first / BlockTile.ROWS; t < last; t += together) {
      int tileRows = Math.min(together, last - t);
      long tiles = slab.data().address() + BlockTile.offset(type, slab.columns(), t * BlockTile.ROWS, 0);
      for (int r = 0; r < rows; r += BlockProduct.MOST_ROWS) {
        int some = Math.min(BlockProduct.MOST_ROWS, rows - r);
        product.dots(
            type, tiles, tileRows, all + packedAt(r, slab.columns()), BlockProduct.together(some), slab.columns(), scratch);
        add(scratch, slab, y, r, some, t * BlockTile.ROWS, tileRows, first, end);
      }
    }
  }

  /** Where what was packed of rows from {@code row} on lies; those before are whole groups. */
  private long packedAt(int row, int columns) {
    return row / BlockProduct.MOST_ROWS * product.packedBytes(BlockProduct.MOST_ROWS, columns);
  }

  /**
   * Rows {@code [from, to)} of {@code rows}, as {@link #multiply} takes them. Rows that are missing from those that are multiplied together
   * are the last one again: nobody reads their results.
   *
   * @param from whole groups of {@link BlockProduct#MOST_ROWS}
   * @param packed address of what becomes of all rows
   */
  void pack(DType type, Rows x, int column, int columns, int rows, long packed, int from, int to) {
    for (int r = from; r < to; r += BlockProduct.MOST_ROWS) {
      int some = Math.min(BlockProduct.MOST_ROWS, rows - r);
      int multiplied = BlockProduct.together(some);
      for (int i = 0; i < multiplied; i++) {
        // What lies there otherwise may be subnormal as a unit, which takes the processor a hundred times as long.
        long row = VectorLinear.address(x, r + Math.min(i, some - 1), column);
        product.pack(type, row, columns, packed + packedAt(r, columns), i, multiplied);
      }
    }
  }

  /** Results of {@code some} rows of activations, from {@code row} on, with rows of tiles, the first of which is weight {@code weight}. */
  private void add(long results, Slab slab, Rows y, int row, int some, int weight, int tileRows, int first, int end) {
    int multiplied = BlockProduct.together(some);
    int inLine = multiplied == 1 ? tileRows : 1;
    for (int t = 0; t < tileRows; t += inLine) {
      int tile = weight + t * BlockTile.ROWS;
      int begin = Math.max(first, tile);
      int behind = Math.min(end, tile + inLine * BlockTile.ROWS);
      for (int i = 0; i < some; i++) {
        long line = (long) t * multiplied + i;
        long at = results + Float.BYTES * (line * BlockTile.ROWS + begin - tile);
        long to = VectorLinear.address(y, row + i, slab.row() + begin);
        functions.add(1, at, to, to, behind - begin);
      }
    }
  }
}
