package kumiko.runtime.kernel;

import java.lang.foreign.ValueLayout;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.machine.RowParts;
import kumiko.runtime.tensor.Rows;

/**
 * Panels of rows of float32 that are taken apart into {@link RowParts numbers of bf16}, for {@link PanelGemm#multiplyParts}: those of all
 * columns of some rows, then of the next columns. Behind them lies what they are packed from.
 */
final class PartPanels {
  static final int PARTS = RowParts.PARTS;

  /** Rows in a panel, whose parts fill three strips of it. */
  static final int GROUP = PanelLayout.STRIP;

  private static final int TABLE = GROUP * Long.BYTES;
  private static final int PAIR_BYTES = GROUP * Integer.BYTES;

  private final PairProducts products;

  PartPanels(PairProducts products) {
    this.products = products;
  }

  /** Columns in a panel of so many rows: whole groups, alike in all panels, and in as few as have room for them. */
  static int depth(int columns, int rows) {
    int groups = columns / RowParts.COLUMNS;
    int most = PanelGemm.PANEL / (strips(rows) * PAIR_BYTES) * 2 / RowParts.COLUMNS;
    return Math.ceilDiv(groups, Math.ceilDiv(groups, most)) * RowParts.COLUMNS;
  }

  private static int strips(int rows) {
    return PanelGemm.strips(PARTS * Math.min(rows, GROUP));
  }

  /** The panels of the columns from {@code k}, a multiple of {@link #depth}, on. */
  static long at(long prepared, int columns, int rows, int k) {
    return prepared + (long) k / depth(columns, rows) * groups(rows) * PanelGemm.PANEL;
  }

  private static int groups(int rows) {
    return Math.ceilDiv(rows, GROUP);
  }

  static long bytes(int columns, int rows) {
    return behind(columns, rows) + groups(rows) * groupBytes(columns);
  }

  private static long behind(int columns, int rows) {
    return (long) Math.ceilDiv(columns, depth(columns, rows)) * groups(rows) * PanelGemm.PANEL;
  }

  private static long groupBytes(int columns) {
    return TABLE + GROUP * stride(columns);
  }

  private static long stride(int columns) {
    return (long) PARTS * columns * Short.BYTES;
  }

  /** Rows {@code [from, to)} of {@code rows}, {@code from} being whole groups. */
  void prepare(Rows x, int rows, long prepared, int from, int to) {
    int columns = x.width();
    long stride = stride(columns);
    for (int r = from; r < to; r += GROUP) {
      int group = r / GROUP;
      int some = Math.min(GROUP, to - r);
      long table = prepared + behind(columns, rows) + group * groupBytes(columns);
      products.parts().split(VectorLinear.address(x, r, 0), 4L * x.stride(), some, columns, table + TABLE, stride);
      int depth = depth(columns, rows);
      for (int k = 0; k < columns; k += depth) {
        long panel = at(prepared, columns, rows, k) + (long) group * PanelGemm.PANEL;
        pack(table, stride, some, k, Math.min(depth, columns - k), panel);
      }
    }
  }

  /** Lanes past the last hold a part again; nobody reads their results. */
  private void pack(long table, long stride, int rows, int k, int columns, long panel) {
    int lanes = PARTS * rows;
    int strips = PanelGemm.strips(lanes);
    for (int s = 0; s < strips; s++) {
      for (int i = 0; i < PanelLayout.STRIP; i++) {
        int lane = Math.min(s * PanelLayout.STRIP + i, lanes - 1);
        long at = table + TABLE + lane % rows * stride + (long) (lane / rows) * RowParts.GROUP_BYTES;
        Memory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, table + (long) i * Long.BYTES, at);
      }
      products.moves().packParts(table, k, columns, panel + (long) s * PAIR_BYTES, strips);
    }
  }
}
