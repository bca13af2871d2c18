package kumiko.runtime.kernel;

import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.machine.PanelMoves;
import kumiko.runtime.machine.PanelProduct;
import kumiko.runtime.tensor.DType;

/** How {@link PanelGemm} brings its operands into the type that they are multiplied in. Addresses and strides are in bytes. */
sealed interface PanelOperands {
  /** Of what panels and the rows that they meet are. */
  DType type();

  PanelMoves moves();

  PanelProduct product();

  /** Sixteen rows of activations, whose addresses lie at {@code table}, into a strip. */
  void packActivations(long table, int columns, long strip, int strips);

  /** Columns of weights into a panel. */
  void packColumns(DType stored, long weights, long stride, int columns, int lanes, long panel);

  /** Tiles of blocks of neighbouring columns into two strips of a panel. */
  void packBlocks(DType stored, long tiles, int columns, long strip, int strips);

  /** Columns {@code from ... from + columns} of rows of another type; what fills up a row to whole vectors of 64 bytes may change. */
  void convert(DType stored, long rows, long stride, int count, int from, int columns, long to, int toStride);

  /** Both in float32, with weights of any stored type. */
  record Singles(FloatProducts products) implements PanelOperands {
    @Override
    public DType type() {
      return DType.F32;
    }

    @Override
    public PanelMoves moves() {
      return products.moves();
    }

    @Override
    public PanelProduct product() {
      return products.product();
    }

    @Override
    public void packActivations(long table, int columns, long strip, int strips) {
      moves().packFloats(table, 0, columns, strip, strips);
    }

    @Override
    public void packColumns(DType stored, long weights, long stride, int columns, int lanes, long panel) {
      int strips = PanelGemm.strips(lanes);
      products.stored().widen(stored, weights, stride, columns, 0, lanes, panel, strips * PanelLayout.STRIP * Float.BYTES);
    }

    @Override
    public void packBlocks(DType stored, long tiles, int columns, long strip, int strips) {
      products.widening().widen(stored, tiles, columns, strip, strips);
    }

    @Override
    public void convert(DType stored, long rows, long stride, int count, int from, int columns, long to, int toStride) {
      products.stored().widen(stored, rows, stride, count, from, columns, to, toStride);
    }
  }

  /** Both in bf16: weights are bf16 or in blocks, activations and weights in blocks are rounded. */
  record Pairs(PairProducts products) implements PanelOperands {
    @Override
    public DType type() {
      return DType.BF16;
    }

    @Override
    public PanelMoves moves() {
      return products.moves();
    }

    @Override
    public PanelProduct product() {
      return products.product();
    }

    @Override
    public void packActivations(long table, int columns, long strip, int strips) {
      moves().pack(table, 0, columns, strip, strips);
    }

    @Override
    public void packColumns(DType stored, long weights, long stride, int columns, int lanes, long panel) {
      moves().packColumns(weights, stride, columns, lanes, PanelGemm.strips(lanes), panel);
    }

    @Override
    public void packBlocks(DType stored, long tiles, int columns, long strip, int strips) {
      products.widening().widen(stored, tiles, columns, strip, strips);
    }

    /** Of float32 only: no other weights in rows are multiplied as bf16. */
    @Override
    public void convert(DType stored, long rows, long stride, int count, int from, int columns, long to, int toStride) {
      products.rounding().round(rows + stored.bytes(from), stride, count, columns, to, toStride);
    }
  }
}
