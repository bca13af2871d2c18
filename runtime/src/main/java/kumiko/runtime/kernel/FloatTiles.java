package kumiko.runtime.kernel;

import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.RowParts;
import kumiko.runtime.machine.TileParts;
import kumiko.runtime.machine.TileRows;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;

/**
 * The product of rows of float32 with a weight by tiles of bf16: each activation is the sum of {@link RowParts three such numbers}, and each
 * weight of one, two or three, so products are those of float32, see {@link TileParts}, and sums err as those of float32 do. Tiles take
 * numbers below 2^-126 for zero, and where one operand is infinite and the other has parts that are zero the product is no number.
 */
final class FloatTiles {
  /** Rows that wait for memory only, and are multiplied as they are. */
  private static final int LEAST_ROWS = 2;

  private final String instructions;
  private final PartPanels panels;
  private final PanelGemm few;
  private final TileGemm many;

  FloatTiles(PairProducts products, TileRows tiles) {
    instructions = products.product().instructions();
    panels = new PartPanels(products);
    few = new PanelGemm(new PanelOperands.Pairs(products));
    many = new TileGemm(products, tiles, false);
  }

  /** See {@link kumiko.runtime.machine.PanelProduct#instructions}. */
  String instructions() {
    return instructions;
  }

  /** Whether so many prepared rows are multiplied with this weight here. */
  boolean takes(Matrix weight, int rows) {
    if (weight.columns() % RowParts.COLUMNS != 0) {
      return false;
    }
    return many.takes(weight, rows)
        || (weight.dtype() == DType.BF16 && rows >= LEAST_ROWS && rows < TileGemm.LEAST_ROWS && SlabRows.readsAll(weight));
  }

  /** Products of bf16 for one of these rows with this weight, where {@link #takes} says so. */
  int products(Matrix weight, int rows) {
    return many.takes(weight, rows) ? many.parts(weight).products() : RowParts.PARTS;
  }

  /** For up to {@code rows} rows. */
  long preparedBytes(Matrix weight, int rows) {
    int fewRows = Math.min(rows, TileGemm.LEAST_ROWS - 1);
    long bytes = takes(weight, fewRows) ? PartPanels.bytes(weight.columns(), fewRows) : 0;
    return takes(weight, rows) && rows > fewRows ? Math.max(bytes, many.preparedBytes(weight.columns(), rows)) : bytes;
  }

  void prepare(Matrix weight, Rows x, int rows, long prepared, int from, int to) {
    if (many.takes(weight, rows)) {
      many.prepare(x, prepared, from, to);
    } else {
      panels.prepare(x, rows, prepared, from, to);
    }
  }

  /** Scratch of {@link #multiply}. */
  long scratchBytes() {
    return Math.max(TileGemm.SCRATCH_BYTES, few.scratchBytes(1));
  }

  /** Whether {@link #multiply} begins with the bias by itself; for fewer rows it adds to what is there. */
  boolean begins(Matrix weight, int rows) {
    return many.takes(weight, rows);
  }

  void multiply(Matrix weight, Rows bias, long prepared, Rows y, int rows, int from, int to, boolean add, long scratch) {
    if (many.takes(weight, rows)) {
      many.multiply(weight, bias, prepared, y, rows, from, to, add, scratch);
      return;
    }
    int depth = PartPanels.depth(weight.columns(), rows);
    for (int k = 0; k < weight.columns(); k += depth) {
      int columns = Math.min(depth, weight.columns() - k);
      few.multiplyParts(weight, y, rows, from, to, k, columns, PartPanels.at(prepared, weight.columns(), rows, k), scratch);
    }
  }
}
