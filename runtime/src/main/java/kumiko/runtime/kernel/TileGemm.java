package kumiko.runtime.kernel;

import java.lang.foreign.ValueLayout;
import java.util.List;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.machine.TileRows;
import kumiko.runtime.machine.TileRows.Delivery;
import kumiko.runtime.tensor.BlockTile;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * The product of many rows of activations with a weight by {@link TileRows}. Activations were rounded to bf16, or taken apart into numbers
 * of bf16, once for all who multiply them; a block of their columns stays in the second-level cache while 32 rows of the weight at a time, packed into a panel, meet it.
 * With more rows of activations weights are packed less often, with more columns results are added to less often: on Granite Rapids, by
 * turns over 512 tokens, 512 rows by 1024 columns took 5 % longer than 256 by 2048 with LLaMA-3.2-1B, and 9 % less with GPT-2, whose weights
 * lie in columns.
 */
final class TileGemm {
  /** Rows of activations from which packing weights costs less than it saves. */
  static final int LEAST_ROWS = 64;

  /** Columns of a block of activations, which at most 256 or 512 rows fill. */
  private static final int DEPTH = 2048;

  /** The same for weights that take longer to pack. */
  private static final int SLOW_DEPTH = 1024;

  /** Columns of a panel's piece that stays in the nearest cache while rows of activations pass by it. */
  private static final int NEAR_DEPTH = 512;

  /** Elements of a block. */
  private static final int BLOCK = 256 * DEPTH;

  /**
   * The rounded rows in whose room one lies in parts: 128 of 1024 columns fill three quarters of a megabyte. On a Xeon before Granite Rapids
   * a prompt of LLaMA-3.2-1B took 1.5 times as long with 128 rows of 2048 columns, 1.2 times with 64, on two threads by turns.
   */
  private static final int PART_ROWS = 4;

  /** Bytes of results that caches do not keep until the next layer reads them. */
  private static final long MANY_RESULTS = 8L << 20;

  private static final int LINE = 64;
  private static final int LANES = TileRows.STRIPS * PanelLayout.STRIP;
  private static final long TABLE = TileRows.WORK_BYTES;
  private static final long PANEL = (TABLE + (long) LANES * Long.BYTES + LINE - 1) / LINE * LINE;

  private static final long SUMS = PANEL + (long) DEPTH * LANES * Short.BYTES;
  static final long SCRATCH_BYTES = SUMS + (long) BLOCK / SLOW_DEPTH * TileRows.SUM_BYTES;

  private final PairProducts products;
  private final TileRows tiles;

  /** Neighbouring rows, as they were prepared, that together are one of activations. */
  private final int parts;

  /** @param parts 1, of rounded rows, or {@link kumiko.runtime.machine.RowParts#PARTS} whose sums they are */
  TileGemm(PairProducts products, TileRows tiles, int parts) {
    this.products = products;
    this.tiles = tiles;
    this.parts = parts;
  }

  /** Whether so many rows of activations are multiplied with this weight here. */
  boolean takes(Matrix weight, int rows) {
    return rows >= LEAST_ROWS && weight.columns() % TileRows.STEP == 0 && (isInRows(weight) || isInOrder(weight));
  }

  /** Bytes from one row of rounded activations to the next: an odd number of lines, as rows a power of two apart share few of a cache. */
  static long stride(int columns) {
    return (Math.ceilDiv(2 * columns, LINE) | 1) * (long) LINE;
  }

  void prepare(Rows x, long prepared, int from, int to) {
    long stride = stride(x.width());
    long at = VectorLinear.address(x, from, 0);
    if (parts == 1) {
      products.rounding().round(at, 4L * x.stride(), to - from, x.width(), prepared + from * stride, Math.toIntExact(stride));
    } else {
      products.parts().split(at, 4L * x.stride(), to - from, x.width(), prepared + (long) from * parts * stride, stride);
    }
  }

  /** What {@link #multiply} may read: rows are filled up to whole groups, with whatever lies there. */
  long preparedBytes(int columns, int rows) {
    return (long) Math.ceilDiv(rows, TileRows.GROUP) * TileRows.GROUP * parts * stride(columns);
  }

  /**
   * {@code y += x w^T} for results {@code [from, to)}.
   *
   * @param bias added to every row of the product, or null
   * @param add false to put that in the place of what y holds
   */
  void multiply(Matrix weight, Rows bias, long prepared, Rows y, int rows, int from, int to, boolean add, long scratch) {
    boolean isSlow = BlockTile.holds(weight.dtype()) || weight.slabs().getFirst().columnStride() != 1;
    int depth = isSlow || parts > 1 ? SLOW_DEPTH : DEPTH;
    int most = BLOCK / depth / (parts == 1 ? 1 : PART_ROWS);
    Delivery first = rows * 4L * y.stride() < MANY_RESULTS ? Delivery.PUT : Delivery.PUT_PAST;
    for (int r = 0; r < rows; r += most) {
      for (int k = 0; k < weight.columns(); k += depth) {
        int columns = Math.min(depth, weight.columns() - k);
        for (int c = from; c < to;) {
          int end = Math.min(to, c - skipped(weight, c) + LANES);
          int next = end < to ? end : from;
          long ahead = addresses(weight, next, to, scratch + TABLE);
          addresses(weight, c, to, scratch + TABLE);
          pack(weight, c, end - c, k, columns, scratch);
          long under = bias == null || k > 0 ? 0 : VectorLinear.address(bias, 0, c);
          multiplyPanel(weight, under, prepared, y, r, Math.min(most, rows - r), k, columns, c, end, add || k > 0 ? Delivery.ADD : first,
              ahead,
              scratch);
          c = end;
        }
      }
    }
  }

  /** Rows of a tile of blocks before this one; panels begin with tiles. */
  private static int skipped(Matrix weight, int row) {
    return BlockTile.holds(weight.dtype()) ? row % LANES : 0;
  }

  /** What is packed with a block of rows: its sums over all columns of the block are added to the results. */
  private void multiplyPanel(
      Matrix weight, long bias, long prepared, Rows y, int row, int rows, int k, int columns, int c, int end, Delivery wanted, long ahead,
      long scratch) {
    DType type = weight.dtype();
    boolean inBlocks = BlockTile.holds(type);
    long stride = stride(weight.columns());
    int groups = Math.ceilDiv(rows, TileRows.GROUP);
    // Two rows are asked for at a time; tiles of blocks follow one another.
    long aheadStride = inBlocks ? BlockTile.bytes(type) / 2 : type.bytes(weight.slabs().getFirst().rowStride());
    long results = VectorLinear.address(y, row, c);
    long resultStride = 4L * y.stride();
    boolean isPast = wanted == Delivery.PUT_PAST && TileRows.canPutPast(results, resultStride, end - c);
    for (int done = 0; done < columns; done += NEAR_DEPTH) {
      int steps = Math.min(NEAR_DEPTH, columns - done) / TileRows.STEP;
      // A row a step of each group: the second half of a group's with the last columns, the first half before.
      long needed = isPast ? scratch + SUMS : results + (columns - done > NEAR_DEPTH ? 0 : NEAR_DEPTH / TileRows.STEP * resultStride);
      long next = ahead + (inBlocks ? BlockTile.offset(type, weight.columns(), 0, k + done) : type.bytes(k + done));
      // The smallest parts first, as long as sums are small.
      for (int part = parts - 1; part >= 0; part--) {
        tiles.multiply(
            done > 0 || part < parts - 1,
            scratch + PANEL + (long) done * LANES * Short.BYTES,
            prepared + ((long) row * parts + part) * stride + 2L * (k + done),
            parts * stride,
            groups,
            steps,
            scratch + SUMS,
            needed,
            isPast ? 0 : resultStride,
            next + 2L * part * groups * aheadStride,
            aheadStride,
            scratch);
      }
    }
    Delivery delivery = wanted == Delivery.PUT_PAST && !isPast ? Delivery.PUT : wanted;
    tiles.deliver(delivery, scratch + SUMS + 4L * skipped(weight, c), results, resultStride, rows, end - c, bias);
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

  /** Whether the tiles of the weight, or its columns, lie in order in one place. */
  private static boolean isInOrder(Matrix weight) {
    Slab slab = weight.slabs().getFirst();
    boolean whole = weight.slabs().size() == 1 && slab.rows() == weight.rows() && slab.columns() == weight.columns();
    boolean inColumns = weight.dtype() == DType.BF16 && slab.rowStride() == 1;
    return whole && slab.rowStep() == 1 && (inColumns || BlockTile.holds(weight.dtype()));
  }

  /**
   * Where the rows of the weight from {@code row} on begin, into a table; lanes past the last hold one of them again. Returns the first of
   * them in memory, or of tiles.
   */
  private static long addresses(Matrix weight, int row, int end, long table) {
    if (BlockTile.holds(weight.dtype())) {
      return tiles(weight, row, 0);
    }
    long least = Long.MAX_VALUE;
    int lanes = Math.min(LANES, end - row);
    List<Slab> slabs = weight.slabs();
    for (int s = 0; s < slabs.size(); s++) {
      Slab slab = slabs.get(s);
      for (int i = SlabRows.first(slab, row); i < SlabRows.end(slab, row + lanes); i++) {
        long at = slab.data().address() + weight.dtype().bytes(slab.offset() + i * slab.rowStride());
        int lane = slab.row() + i * slab.rowStep() - row;
        Lanes.MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, table + (long) lane * Long.BYTES, at);
        least = Math.min(least, at);
      }
    }
    for (int lane = lanes; lane < LANES; lane++) {
      Lanes.MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, table + (long) lane * Long.BYTES, least);
    }
    return least;
  }

  private static long tiles(Matrix weight, int row, int column) {
    return weight.slabs().getFirst().data().address() + BlockTile.offset(weight.dtype(), weight.columns(), row, column);
  }

  private void pack(Matrix weight, int row, int lanes, int k, int columns, long scratch) {
    Slab slab = weight.slabs().getFirst();
    DType type = weight.dtype();
    if (BlockTile.holds(type)) {
      products.widening().widen(type, tiles(weight, row, k), columns, scratch + PANEL, TileRows.STRIPS);
    } else if (slab.columnStride() != 1) {
      long first = slab.data().address() + type.bytes(slab.offset() + row + k * slab.columnStride());
      products.moves().packColumns(first, type.bytes(slab.columnStride()), columns, lanes, TileRows.STRIPS, scratch + PANEL);
    } else {
      packRows(type.bytes(k), columns, scratch);
    }
  }

  private void packRows(long from, int columns, long scratch) {
    long table = scratch + TABLE;
    for (int s = 0; s < TileRows.STRIPS; s++) {
      long strip = scratch + PANEL + (long) s * PanelLayout.STRIP * Integer.BYTES;
      products.moves().packFloats(table + (long) s * PanelLayout.STRIP * Long.BYTES, from, columns / 2, strip, TileRows.STRIPS);
    }
  }
}
