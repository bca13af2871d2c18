package kumiko.runtime.kernel;

import java.lang.foreign.ValueLayout;
import java.util.List;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.machine.PanelProduct;
import kumiko.runtime.tensor.BlockTile;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * The product of rows of activations with a slab of weights by machine code. 64 rows of one operand are packed into a panel that stays in
 * the second-level cache while the rows of the other pass by it. Where weights lie in rows, activations are packed, and weights pass as
 * they are stored, or converted, a few rows at a time; where they lie in columns or in tiles of blocks it is the other way round, as what is
 * packed must be turned.
 */
final class PanelGemm {
  /** Bytes of a panel. */
  static final int PANEL = 1 << 18;

  /** Rows whose results wait in a tile: whole groups of every {@link PanelProduct}. */
  private static final int TILE_ROWS = 96;

  /** Rows of activations that weights, once converted or packed, meet. */
  private static final int MOST_ROWS = 512;

  /** Rows of activations from which they are packed once for all who multiply them. */
  private static final int LEAST_PREPARED = 32;

  private static final int LINE = 64;
  private static final long TILE = PanelLayout.STRIP * Long.BYTES;
  private static final long PANELS = TILE + (long) TILE_ROWS * PanelLayout.TILE_BYTES;

  private final PanelOperands operands;
  private final TileResults results;
  private final PanelProduct product;

  /** Columns in a panel. */
  private final int depth;

  PanelGemm(PanelOperands operands) {
    this.operands = operands;
    results = new TileResults(operands.moves(), PanelLayout.TILE_BYTES);
    product = operands.product();
    depth = PANEL / PanelLayout.LANES / operands.type().blockBytes();
  }

  /** For up to {@code rows} rows of activations: the addresses of some, a tile, panels, converted rows of weights or of activations. */
  long scratchBytes(int rows) {
    int together = Math.min(rows, MOST_ROWS);
    return wide(together) + (long) Math.max(TILE_ROWS, operands.type() == DType.F32 ? 0 : together) * wideStride(depth);
  }

  /** Bytes from one converted row to the next: an odd number of lines, as rows would share few of the nearest cache with a power of two. */
  private int wideStride(int columns) {
    return (Math.ceilDiv(columns * operands.type().blockBytes(), LINE) | 1) * LINE;
  }

  private static long wide(int rows) {
    return PANELS + (long) Math.ceilDiv(rows, PanelLayout.LANES) * PANEL;
  }

  /** Columns of a panel of so many rows of activations, where weights need not be converted: one strip leaves room for more. */
  private int depth(int rows) {
    return rows <= PanelLayout.STRIP ? depth * PanelLayout.STRIPS : depth;
  }

  /**
   * {@code y += x w^T} for {@code rows} rows of activations, results {@code [from, to)} and slabs {@code [s, behind)} of a weight,
   * which are {@link SlabRows#together} or one; {@code prepared} is the address of what {@link #prepare} made of all rows, or {@link #convert}
   * where the weight lies in columns, or 0, {@code scratch} that of {@link #scratchBytes} bytes.
   */
  void multiply(Matrix weight, int s, int behind, Rows x, Rows y, int rows, int from, int to, long prepared, long scratch) {
    if (!SlabRows.reaches(weight.slabs(), s, behind, from, to)) {
      return;
    }
    Slab slab = weight.slabs().get(s);
    boolean inRows = SlabRows.isInRows(Format.of(weight.dtype()), slab);
    boolean oneStrip = inRows && weight.dtype() == operands.type() && rows <= PanelLayout.STRIP;
    int most = oneStrip ? depth(rows) : depth;
    for (int k = 0; k < slab.columns(); k += most) {
      int columns = Math.min(most, slab.columns() - k);
      for (int r = 0; r < rows; r += MOST_ROWS) {
        int count = Math.min(MOST_ROWS, rows - r);
        if (inRows) {
          long panels = scratch + PANELS;
          if (prepared == 0) {
            pack(x, r, count, slab.column() + k, columns, scratch, panels);
          } else {
            panels = preparedPanel(prepared, rows, k, r);
          }
          multiplyRows(weight, s, behind, y, r, count, 1, from, to, k, columns, panels, scratch);
        } else {
          multiplyColumns(weight.dtype(), slab, x, y, r, count, SlabRows.first(slab, from), SlabRows.end(slab, to), k, columns, prepared,
              scratch);
        }
      }
    }
  }

  /**
   * {@code y += x w^T} for results {@code [from, to)}, columns {@code [k, k + columns)} of a weight of the same type that is {@link
   * SlabRows#readsAll} read, and rows of activations that are sums of {@link PartPanels#PARTS} each.
   *
   * @param panels address of panels {@link #PANEL} apart, one for every {@link PartPanels#GROUP} rows: their first parts, then their second
   *     ones and the last
   * @param scratch address of {@link #scratchBytes} bytes for one row
   */
  void multiplyParts(Matrix weight, Rows y, int rows, int from, int to, int k, int columns, long panels, long scratch) {
    multiplyRows(weight, 0, weight.slabs().size(), y, 0, rows, PartPanels.PARTS, from, to, k, columns, panels, scratch);
  }

  static int strips(int lanes) {
    return Math.ceilDiv(lanes, PanelLayout.STRIP);
  }

  private void multiplyRows(
      Matrix weight, int s, int behind, Rows y, int row, int rows, int parts, int from, int to, int k, int columns, long panels,
      long scratch) {
    List<Slab> slabs = weight.slabs();
    int i = s;
    int first = SlabRows.first(slabs.get(s), from);
    while (i < behind) {
      if (first < SlabRows.end(slabs.get(i), to)) {
        int count = SlabRows.inLine(slabs, i, behind, first, from, to, TILE_ROWS);
        multiplySome(weight, i, y, row, rows, parts, first, count, k, columns, panels, scratch);
        first += count;
        while (first > slabs.get(i).rows()) {
          first -= slabs.get(i).rows();
          i++;
        }
      } else {
        i++;
        first = i < behind ? SlabRows.first(slabs.get(i), from) : 0;
      }
    }
  }

  /** A few rows of weights, from {@code first} of slab {@code i} on, with all panels. */
  private void multiplySome(
      Matrix weight, int i, Rows y, int row, int rows, int parts, int first, int count, int k, int columns, long panels, long scratch) {
    DType type = weight.dtype();
    Slab slab = weight.slabs().get(i);
    long weights = slab.data().address() + type.bytes(slab.offset() + first * slab.rowStride());
    long stride = type.bytes(slab.rowStride());
    if (type == operands.type()) {
      weights += type.bytes(k);
    } else {
      operands.convert(type, weights, stride, count, k, columns, scratch + wide(rows), wideStride(columns));
      weights = scratch + wide(rows);
      stride = wideStride(columns);
    }
    int together = parts == 1 ? PanelLayout.LANES : PartPanels.GROUP;
    long panel = panels;
    for (int r = 0; r < rows; r += together) {
      int some = Math.min(together, rows - r);
      clear(scratch + TILE, count);
      product.multiply(panel, strips(parts * some), weights, stride, count, columns, scratch + TILE);
      for (int part = 0; part < parts; part++) {
        addTo(weight.slabs(), i, first, count, scratch + TILE + 4L * part * some, y, row + r, some);
      }
      panel += PANEL;
    }
  }

  /** The rows of a tile to where those of the slabs from {@code i} on belong. */
  private void addTo(List<Slab> slabs, int i, int first, int count, long tile, Rows y, int row, int lanes) {
    int begin = first;
    for (int s = i, done = 0; done < count; s++) {
      Slab slab = slabs.get(s);
      int here = Math.min(count - done, slab.rows() - begin);
      long to = VectorLinear.address(y, row, slab.row() + begin * slab.rowStep());
      results.addTurned(tile + (long) done * PanelLayout.TILE_BYTES, here, lanes, to, 4L * y.stride(), slab.rowStep());
      done += here;
      begin = 0;
    }
  }

  private static long panel(long panels, int row) {
    return panels + (long) row / PanelLayout.LANES * PANEL;
  }

  private void multiplyColumns(
      DType type, Slab slab, Rows x, Rows y, int row, int rows, int first, int end, int k, int columns, long prepared, long scratch) {
    long activations = VectorLinear.address(x, row, slab.column() + k);
    long stride = 4L * x.stride();
    if (prepared != 0) {
      stride = wideStride(x.width());
      activations = prepared + row * stride + (long) (slab.column() + k) * operands.type().blockBytes();
    } else if (operands.type() != DType.F32) {
      operands.convert(DType.F32, activations, stride, rows, 0, columns, scratch + wide(rows), wideStride(columns));
      activations = scratch + wide(rows);
      stride = wideStride(columns);
    }
    boolean inBlocks = BlockTile.holds(type);
    int skipped = inBlocks ? first % BlockTile.ROWS : 0;
    for (int i = first - skipped; i < end; i += PanelLayout.LANES) {
      int lanes = Math.min(PanelLayout.LANES, end - i);
      int strips = inBlocks ? Math.ceilDiv(lanes, BlockTile.ROWS) * BlockTile.ROWS / PanelLayout.STRIP : strips(lanes);
      if (inBlocks) {
        packBlocks(type, slab, i, k, columns, strips, scratch + PANELS);
      } else {
        long column = slab.data().address() + type.bytes(slab.offset() + i + k * slab.columnStride());
        operands.packColumns(type, column, type.bytes(slab.columnStride()), columns, lanes, scratch + PANELS);
      }
      for (int r = 0; r < rows; r += TILE_ROWS) {
        int count = Math.min(TILE_ROWS, rows - r);
        clear(scratch + TILE, count);
        product.multiply(scratch + PANELS, strips, activations + r * stride, stride, count, columns, scratch + TILE);
        long to = VectorLinear.address(y, row + r, slab.row() + (i + skipped) * slab.rowStep());
        results.addStraight(scratch + TILE + 4L * skipped, count, lanes - skipped, to, 4L * y.stride(), slab.rowStep());
      }
      skipped = 0;
    }
  }

  private void packBlocks(DType type, Slab slab, int row, int k, int columns, int strips, long panel) {
    int ofTile = BlockTile.ROWS / PanelLayout.STRIP;
    for (int s = 0; s < strips; s += ofTile) {
      long tiles = slab.data().address() + BlockTile.offset(type, slab.columns(), row + s * PanelLayout.STRIP, k);
      operands.packBlocks(type, tiles, columns, panel + (long) s * PanelLayout.STRIP * Integer.BYTES, strips);
    }
  }

  private void pack(Rows x, int row, int rows, int column, int columns, long table, long panels) {
    for (int r = 0; r < rows; r += PanelLayout.STRIP) {
      packStrip(x, row, rows, r, column, columns, table, panels);
    }
  }

  /** Sixteen rows from {@code row + r} on, of {@code rows} from {@code row} on. */
  private void packStrip(Rows x, int row, int rows, int r, int column, int columns, long table, long panels) {
    int within = r % PanelLayout.LANES;
    int lanes = Math.min(PanelLayout.LANES, rows - (r - within));
    for (int lane = 0; lane < PanelLayout.STRIP; lane++) {
      // Lanes past the last hold a row again; nobody reads their results.
      int at = row + Math.min(r + lane, rows - 1);
      Memory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, table + (long) lane * Long.BYTES, VectorLinear.address(x, at, column));
    }
    operands.packActivations(table, columns, panel(panels, r) + (long) within * Integer.BYTES, strips(lanes));
  }

  /** Whether so many rows are packed once for a weight that is {@link SlabRows#readsAll read} so; {@link #multiply} packs fewer itself. */
  static boolean prepares(int rows) {
    return rows >= LEAST_PREPARED;
  }

  /** Bytes that {@link #prepare} writes. */
  long preparedBytes(int rows, int columns) {
    return preparedTable(rows, columns) + (long) Math.ceilDiv(rows, PanelLayout.STRIP) * TILE;
  }

  /**
   * Rows {@code [from, to)} of {@code rows}, {@code from} being whole strips, as {@link #multiply} takes them; those of one strip for weights of
   * the panel's type only.
   */
  void prepare(Rows x, int rows, long prepared, int from, int to) {
    int depth = depth(rows);
    for (int k = 0; k < x.width(); k += depth) {
      for (int r = from; r < to; r += PanelLayout.STRIP) {
        long table = prepared + preparedTable(rows, x.width()) + r / PanelLayout.STRIP * TILE;
        packStrip(x, 0, rows, r, k, Math.min(depth, x.width() - k), table, preparedPanel(prepared, rows, k, 0));
      }
    }
  }

  /** Bytes of {@link #convert}. */
  long convertedBytes(int rows, int columns) {
    return (long) rows * wideStride(columns);
  }

  /** Rows {@code [from, to)} in the type they are multiplied in, for a weight that lies in columns. */
  void convert(Rows x, long converted, int from, int to) {
    int stride = wideStride(x.width());
    long rows = VectorLinear.address(x, from, 0);
    operands.convert(DType.F32, rows, 4L * x.stride(), to - from, 0, x.width(), converted + (long) from * stride, stride);
  }

  private long preparedPanel(long prepared, int rows, int k, int row) {
    return panel(prepared + (long) k / depth(rows) * Math.ceilDiv(rows, PanelLayout.LANES) * PANEL, row);
  }

  /** Behind the panels every strip has a table of its own. */
  private long preparedTable(int rows, int columns) {
    return (long) Math.ceilDiv(columns, depth(rows)) * Math.ceilDiv(rows, PanelLayout.LANES) * PANEL;
  }

  private static void clear(long tile, int rows) {
    Memory.clear(tile, (long) rows * PanelLayout.TILE_BYTES);
  }
}
