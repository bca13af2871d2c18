package kumiko.runtime.kernel;

import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.RowParts;
import kumiko.runtime.machine.SumDelivery;
import kumiko.runtime.machine.SumDelivery.Delivery;
import kumiko.runtime.machine.TileParts;
import kumiko.runtime.machine.TileRows;
import kumiko.runtime.machine.TileWork;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;

/**
 * The product of many rows of activations with a weight by {@link TileRows}. Activations were rounded to bf16, or taken apart into numbers
 * of bf16, once for all who multiply them.
 */
final class TileGemm {
  /** Rows of activations from which packing weights costs less than it saves. */
  static final int LEAST_ROWS = 64;

  /** The same for weights that are taken apart into three. */
  private static final int LEAST_ROWS_OF_THREE = 128;

  /**
   * How activations are cut. A block of them stays in the second-level cache while the weight passes by, packed 32 rows at a time, and its
   * sums are added to the results; so with more rows weights are packed less often, with more columns results are added to less often.
   *
   * @param rows of activations in a block
   * @param depth columns of it
   * @param near those that are multiplied at once: of a panel as much as stays in the nearest cache, or somewhat more
   */
  private record Blocks(int rows, int depth, int near) {
    /** On Granite Rapids 512 rows took 5 % longer with LLaMA-3.2-1B, by turns over 512 tokens. */
    static final Blocks ROUNDED = new Blocks(256, 2048, 512);

    /** For weights that take long to pack: there 9 % less with GPT-2, whose weights lie in columns. */
    static final Blocks SLOW = new Blocks(512, 1024, 512);

    /**
     * Of rows in parts, three quarters of a megabyte. Packing takes a sixth of the time of weights in parts, with half of the rows a third. By
     * turns over 512 tokens of LLaMA-3.2-1B, on two threads of a Xeon before Granite Rapids, 128 rows by 1024 columns with bf16 weights took 1.04
     * and 1.14 times as long.
     */
    static final Blocks IN_PARTS = new Blocks(256, 512, 512);

    static final int MOST_ROWS = 512;

    /** Columns by parts of any of them. */
    static final int MOST_PANEL = 2048;
  }

  /** Bytes of results that caches do not keep until the next layer reads them. */
  private static final long MANY_RESULTS = 8L << 20;

  private static final int LINE = 64;
  private static final int LANES = TilePanels.LANES;
  private static final long TABLE = TileWork.BYTES;
  private static final long PANEL = (TABLE + TilePanels.TABLE_BYTES + LINE - 1) / LINE * LINE;
  private static final long SUMS = PANEL + (long) Blocks.MOST_PANEL * LANES * Short.BYTES;
  static final long SCRATCH_BYTES = SUMS + (long) Blocks.MOST_ROWS * TileRows.SUM_BYTES;

  private final PairProducts products;
  private final TileRows tiles;
  private final TilePanels panels;

  /** Whether activations are rounded, or taken apart. */
  private final boolean rounds;

  TileGemm(PairProducts products, TileRows tiles, boolean rounds) {
    this.products = products;
    this.tiles = tiles;
    this.rounds = rounds;
    panels = new TilePanels(products, rounds);
  }

  /** In which numbers of bf16 this weight is multiplied. */
  TileParts parts(Matrix weight) {
    return panels.parts(weight);
  }

  /** Whether so many rows of activations are multiplied with this weight here. */
  boolean takes(Matrix weight, int rows) {
    int least = parts(weight) == TileParts.THREE ? LEAST_ROWS_OF_THREE : LEAST_ROWS;
    return rows >= least && panels.takes(weight);
  }

  /** Bytes from one row of rounded activations to the next: an odd number of lines, as rows a power of two apart share few of a cache. */
  private long stride(int columns) {
    return (Math.ceilDiv(2 * columns * ofRow(), LINE) | 1) * (long) LINE;
  }

  private int ofRow() {
    return rounds ? 1 : RowParts.PARTS;
  }

  void prepare(Rows x, long prepared, int from, int to) {
    long stride = stride(x.width());
    long at = VectorLinear.address(x, from, 0);
    if (rounds) {
      products.rounding().round(at, 4L * x.stride(), to - from, x.width(), prepared + from * stride, Math.toIntExact(stride));
    } else {
      products.parts().split(at, 4L * x.stride(), to - from, x.width(), prepared + from * stride, stride);
    }
  }

  /** What {@link #multiply} may read: rows are filled up to whole groups, with whatever lies there. */
  long preparedBytes(int columns, int rows) {
    return (long) Math.ceilDiv(rows, TileRows.GROUP) * TileRows.GROUP * stride(columns);
  }

  /**
   * {@code y += x w^T} for results {@code [from, to)}.
   *
   * @param bias added to every row of the product, or null
   * @param add false to put that in the place of what y holds
   */
  void multiply(Matrix weight, Rows bias, long prepared, Rows y, int rows, int from, int to, boolean add, long scratch) {
    Blocks blocks = blocks(weight);
    Delivery first = rows * 4L * y.stride() < MANY_RESULTS ? Delivery.PUT : Delivery.PUT_PAST;
    TileWork.ROW_STRIDE.set(scratch, stride(weight.columns()));
    TileWork.SUMS.set(scratch, scratch + SUMS);
    for (int r = 0; r < rows; r += blocks.rows) {
      int some = Math.min(blocks.rows, rows - r);
      TileWork.GROUPS.set(scratch, Math.ceilDiv(some, TileRows.GROUP));
      for (int k = 0; k < weight.columns(); k += blocks.depth) {
        int columns = Math.min(blocks.depth, weight.columns() - k);
        Delivery delivery = add || k > 0 ? Delivery.ADD : first;
        for (int c = from; c < to;) {
          int end = end(weight, c, to);
          if (end < to) {
            panels.askFor(weight, end, end(weight, end, to) - end, k, scratch + TABLE, scratch);
          } else {
            int next = k + columns < weight.columns() ? k + columns : 0;
            panels.askFor(weight, from, end(weight, from, to) - from, next, scratch + TABLE, scratch);
          }
          panels.pack(weight, c, end - c, k, columns, scratch + TABLE, scratch + PANEL);
          long under = bias == null || k > 0 ? 0 : VectorLinear.address(bias, 0, c);
          multiplyPanel(weight, under, prepared, y, r, some, k, columns, c, end, delivery, scratch);
          c = end;
        }
      }
    }
  }

  private Blocks blocks(Matrix weight) {
    if (!rounds) {
      return Blocks.IN_PARTS;
    }
    return TilePanels.isSlow(weight) ? Blocks.SLOW : Blocks.ROUNDED;
  }

  /** Behind the rows of the weight that share a panel with row {@code c}. */
  private static int end(Matrix weight, int c, int to) {
    return Math.min(to, c - TilePanels.skipped(weight, c) + LANES);
  }

  /** What is packed with a block of rows: its sums over all columns of the block are added to the results. */
  private void multiplyPanel(
      Matrix weight, long bias, long prepared, Rows y, int row, int rows, int k, int columns, int c, int end, Delivery wanted,
      long scratch) {
    long results = VectorLinear.address(y, row, c);
    long resultStride = 4L * y.stride();
    boolean isPast = wanted == Delivery.PUT_PAST && SumDelivery.canPutPast(results, resultStride, end - c);
    TileWork.RESULT_STRIDE.set(scratch, isPast ? 0 : resultStride);
    TileParts parts = parts(weight);
    int near = blocks(weight).near;
    long ahead = TileWork.AHEAD.get(scratch);
    for (int done = 0; done < columns; done += near) {
      // Half of a group's rows with the last columns, the others before, or all of them each time.
      int asked = columns - done > near ? 0 : near / TileRows.STEP * TileRows.resultsAhead(parts) % TileRows.GROUP;
      TileWork.PANEL.set(scratch, scratch + PANEL + (long) done * parts.ofWeight() * LANES * Short.BYTES);
      TileWork.ROWS.set(scratch, prepared + row * stride(weight.columns()) + 2L * ofRow() * (k + done));
      TileWork.STEPS.set(scratch, Math.min(near, columns - done) / TileRows.STEP);
      TileWork.RESULTS.set(scratch, isPast ? scratch + SUMS : results + asked * resultStride);
      TileWork.AHEAD.set(scratch, ahead + TilePanels.columnOffset(weight, done));
      tiles.multiply(parts, done > 0, scratch);
    }
    Delivery delivery = wanted == Delivery.PUT_PAST && !isPast ? Delivery.PUT : wanted;
    tiles.delivery().deliver(delivery, scratch + SUMS + 4L * TilePanels.skipped(weight, c), results, resultStride, rows, end - c, bias);
  }
}
