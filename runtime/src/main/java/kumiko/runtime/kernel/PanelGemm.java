package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.machine.PanelMoves;
import kumiko.runtime.machine.PanelProduct;
import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * The product of rows of activations with a slab of weights by machine code. 64 rows of one operand are packed into a panel that stays in
 * the second-level cache while the rows of the other pass by it. Where weights lie in rows, activations are packed, and weights pass as
 * they are stored, or widened a few rows at a time; where they lie in columns it is the other way round, as what is packed must be turned.
 */
final class PanelGemm {
  /** Bytes of a panel. */
  private static final int PANEL = 1 << 18;

  /** Rows whose results wait in a tile: whole groups of every {@link PanelProduct}. */
  private static final int TILE_ROWS = 96;

  private static final long TABLE = PANEL;
  private static final long TILE = TABLE + PanelLayout.STRIP * Long.BYTES;
  private static final long WIDE = TILE + (long) TILE_ROWS * PanelLayout.TILE_BYTES;
  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private final PanelMoves moves;
  private final PanelProduct product;

  /** What the panel holds: float32 or bf16. */
  private final DType operand;

  /** Null where weights are of the panel's type. */
  private final StoredProduct stored;

  /** Columns in a panel. */
  private final int depth;

  /** Bytes from one widened row to the next; not a power of two, whose rows would share few lines of the nearest cache. */
  private final int wideStride;

  private PanelGemm(PanelMoves moves, PanelProduct product, DType operand, StoredProduct stored) {
    this.moves = moves;
    this.product = product;
    this.operand = operand;
    this.stored = stored;
    depth = PANEL / PanelLayout.LANES / operand.blockBytes();
    wideStride = depth * operand.blockBytes() + 64;
  }

  /** With weights of any stored type and activations as they are. */
  static PanelGemm of(FloatProducts products) {
    return new PanelGemm(products.moves(), products.product(), DType.F32, products.stored());
  }

  /** With bf16 weights and activations rounded to bf16. */
  static PanelGemm of(PairProducts products) {
    return new PanelGemm(products.moves(), products.product(), DType.BF16, null);
  }

  /** Panel, the addresses of its rows, tile, widened rows. */
  long scratchBytes() {
    return stored == null ? WIDE : WIDE + (long) TILE_ROWS * wideStride;
  }

  /**
   * {@code y += x w^T} for rows {@code [first, end)} of a slab whose rows or, in float32, columns lie in order; {@code scratch} is the
   * address of {@link #scratchBytes} bytes.
   */
  void multiply(DType type, Slab slab, Rows x, Rows y, int rows, int first, int end, long scratch) {
    if (first >= end) {
      return;
    }
    if (slab.columnStride() == 1) {
      multiplyRows(type, slab, x, y, rows, first, end, scratch);
    } else {
      multiplyColumns(type, slab, x, y, rows, first, end, scratch);
    }
  }

  private void multiplyRows(DType type, Slab slab, Rows x, Rows y, int rows, int first, int end, long scratch) {
    long tile = scratch + TILE;
    for (int k = 0; k < slab.columns(); k += depth) {
      int columns = Math.min(depth, slab.columns() - k);
      for (int r = 0; r < rows; r += PanelLayout.LANES) {
        int lanes = Math.min(PanelLayout.LANES, rows - r);
        int strips = Math.ceilDiv(lanes, PanelLayout.STRIP);
        pack(x, r, lanes, slab.column() + k, columns, scratch);
        for (int i = first; i < end; i += TILE_ROWS) {
          int count = Math.min(TILE_ROWS, end - i);
          clear(tile, count);
          long row = slab.data().address() + type.bytes(slab.offset() + i * slab.rowStride());
          long stride = type.bytes(slab.rowStride());
          if (type == operand) {
            product.multiply(scratch, strips, row + type.bytes(k), stride, count, columns, tile);
          } else {
            stored.widen(type, row, stride, count, k, columns, scratch + WIDE, wideStride);
            product.multiply(scratch, strips, scratch + WIDE, wideStride, count, columns, tile);
          }
          addTurned(tile, count, lanes, VectorLinear.address(y, r, slab.row() + i * slab.rowStep()), 4L * y.stride(), slab.rowStep());
        }
      }
    }
  }

  private void multiplyColumns(DType type, Slab slab, Rows x, Rows y, int rows, int first, int end, long scratch) {
    long tile = scratch + TILE;
    for (int i = first; i < end; i += PanelLayout.LANES) {
      int lanes = Math.min(PanelLayout.LANES, end - i);
      int strips = Math.ceilDiv(lanes, PanelLayout.STRIP);
      for (int k = 0; k < slab.columns(); k += depth) {
        int columns = Math.min(depth, slab.columns() - k);
        long column = slab.data().address() + type.bytes(slab.offset() + i + k * slab.columnStride());
        stored.widen(type, column, type.bytes(slab.columnStride()), columns, 0, lanes, scratch, strips * PanelLayout.STRIP * Float.BYTES);
        for (int r = 0; r < rows; r += TILE_ROWS) {
          int count = Math.min(TILE_ROWS, rows - r);
          clear(tile, count);
          product.multiply(scratch, strips, VectorLinear.address(x, r, slab.column() + k), 4L * x.stride(), count, columns, tile);
          addStraight(tile, count, lanes, VectorLinear.address(y, r, slab.row() + i * slab.rowStep()), 4L * y.stride(), slab.rowStep());
        }
      }
    }
  }

  private void pack(Rows x, int row, int lanes, int column, int columns, long scratch) {
    int strips = Math.ceilDiv(lanes, PanelLayout.STRIP);
    for (int s = 0; s < strips; s++) {
      for (int lane = 0; lane < PanelLayout.STRIP; lane++) {
        // Lanes past the last hold a row again; nobody reads their results.
        int r = row + Math.min(s * PanelLayout.STRIP + lane, lanes - 1);
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, scratch + TABLE + (long) lane * Long.BYTES, VectorLinear.address(x, r, column));
      }
      long strip = scratch + (long) s * PanelLayout.STRIP * Integer.BYTES;
      if (operand == DType.F32) {
        moves.packFloats(scratch + TABLE, 0, columns, strip, strips);
      } else {
        moves.pack(scratch + TABLE, 0, columns, strip, strips);
      }
    }
  }

  private static void clear(long tile, int rows) {
    MEMORY.asSlice(tile, (long) rows * PanelLayout.TILE_BYTES).fill((byte) 0);
  }

  private void addTurned(long tile, int count, int lanes, long y, long stride, int step) {
    if (step != 1) {
      for (int lane = 0; lane < lanes; lane++) {
        for (int i = 0; i < count; i++) {
          addOne(tile, i, lane, y + lane * stride + 4L * i * step);
        }
      }
      return;
    }
    for (int s = 0; s < lanes; s += PanelLayout.STRIP) {
      for (int i = 0; i < count; i += PanelLayout.STRIP) {
        int columns = Math.min(PanelLayout.STRIP, count - i);
        long from = tile + (long) i * PanelLayout.TILE_BYTES + 4L * s;
        moves.add(from, y + s * stride + 4L * i, stride, Math.min(PanelLayout.STRIP, lanes - s), columns);
      }
    }
  }

  private void addStraight(long tile, int count, int lanes, long y, long stride, int step) {
    if (step == 1) {
      moves.addRows(tile, y, stride, count, lanes);
      return;
    }
    for (int i = 0; i < count; i++) {
      for (int lane = 0; lane < lanes; lane++) {
        addOne(tile, i, lane, y + i * stride + 4L * lane * step);
      }
    }
  }

  private static void addOne(long tile, int row, int lane, long y) {
    Lanes.set(y, Lanes.get(y) + Lanes.get(tile + (long) row * PanelLayout.TILE_BYTES + 4L * lane));
  }
}
