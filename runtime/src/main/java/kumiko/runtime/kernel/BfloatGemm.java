package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.machine.PanelMoves;
import kumiko.runtime.machine.PanelProduct;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * The product of rows of activations with a slab of bf16 weights by machine code. 64 rows of activations are rounded and packed into a
 * panel that stays in the second-level cache while the weights, read as they are stored, pass by it once.
 */
final class BfloatGemm {
  /** Columns in a panel, which then takes 256 KiB. */
  private static final int DEPTH = 2048;

  /** Rows of weights whose results wait in a tile: whole groups of every {@link PanelProduct}. */
  private static final int TILE_ROWS = 96;

  private static final long TABLE = PanelLayout.panelBytes(DEPTH);
  private static final long TILE = TABLE + PanelLayout.STRIP * Long.BYTES;
  private static final long TILE_SIZE = (long) TILE_ROWS * PanelLayout.TILE_BYTES;
  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  /** Panel, the addresses of its rows, tile. */
  static final long SCRATCH_BYTES = TILE + TILE_SIZE;

  private final PanelMoves moves;
  private final PanelProduct product;

  BfloatGemm(PanelMoves moves, PanelProduct product) {
    this.moves = moves;
    this.product = product;
  }

  /** {@code y += bf16(x) w^T} for rows {@code [first, end)} of the slab; {@code scratch} is the address of {@link #SCRATCH_BYTES}. */
  void multiply(Slab slab, Rows x, Rows y, int rows, int first, int end, long scratch) {
    for (int k = 0; k < slab.columns() && first < end; k += DEPTH) {
      int depth = Math.min(DEPTH, slab.columns() - k);
      for (int r = 0; r < rows; r += PanelLayout.LANES) {
        int lanes = Math.min(PanelLayout.LANES, rows - r);
        pack(x, r, lanes, slab.column() + k, depth, scratch);
        for (int i = first; i < end; i += TILE_ROWS) {
          int count = Math.min(TILE_ROWS, end - i);
          long tile = scratch + TILE;
          MEMORY.asSlice(tile, (long) count * PanelLayout.TILE_BYTES).fill((byte) 0);
          long weights = slab.data().address() + 2 * (slab.offset() + i * slab.rowStride() + k);
          int strips = Math.ceilDiv(lanes, PanelLayout.STRIP);
          product.multiply(scratch, strips, weights, 2 * slab.rowStride(), count, depth, tile);
          add(tile, count, lanes, VectorLinear.address(y, r, slab.row() + i * slab.rowStep()), 4L * y.stride(), slab.rowStep());
        }
      }
    }
  }

  private void pack(Rows x, int row, int lanes, int column, int depth, long scratch) {
    int strips = Math.ceilDiv(lanes, PanelLayout.STRIP);
    for (int s = 0; s < strips; s++) {
      for (int lane = 0; lane < PanelLayout.STRIP; lane++) {
        // Lanes past the last hold a row again; nobody reads their results.
        int r = row + Math.min(s * PanelLayout.STRIP + lane, lanes - 1);
        MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, scratch + TABLE + (long) lane * Long.BYTES, VectorLinear.address(x, r, column));
      }
      moves.pack(scratch + TABLE, 0, depth, scratch + (long) s * PanelLayout.STRIP * Integer.BYTES, strips);
    }
  }

  private void add(long tile, int count, int lanes, long y, long stride, int step) {
    if (step != 1) {
      addApart(tile, count, lanes, y, stride, step);
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

  private static void addApart(long tile, int count, int lanes, long y, long stride, int step) {
    for (int lane = 0; lane < lanes; lane++) {
      for (int i = 0; i < count; i++) {
        long at = y + lane * stride + 4L * i * step;
        Lanes.set(at, Lanes.get(at) + Lanes.get(tile + (long) i * PanelLayout.TILE_BYTES + 4L * lane));
      }
    }
  }
}
