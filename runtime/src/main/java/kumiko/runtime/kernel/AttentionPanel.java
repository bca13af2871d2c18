package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.PanelAttention;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.tensor.Rows;

/**
 * Attention of up to 64 queries with one key head at once by machine code, without the whole score matrix: see {@link PanelAttention} and
 * {@link AttentionLanes}.
 */
final class AttentionPanel {
  /** Keys whose scores wait in a tile. */
  private static final int KEYS = 96;

  private static final int LINE = 64;
  private static final long TILE = AttentionLanes.BYTES;
  private static final long ZEROS = TILE + (long) KEYS * PanelLayout.TILE_BYTES;

  private final FloatProducts products;
  private final CacheElement cache;
  private final AttentionLanes finishing;

  AttentionPanel(FloatProducts products, CacheElement cache) {
    this.products = products;
    this.cache = cache;
    finishing = new AttentionLanes(products);
  }

  /** Lanes and tile; as many zeros as a head is wide; the queries' panel, and what is mixed for them; keys or values as float32. */
  static long scratchBytes(int headDim) {
    return ZEROS + headDim * (long) Float.BYTES * (1 + AttentionLanes.LANES + KEYS) + panelBytes(headDim) + 2 * LINE;
  }

  /**
   * Queries {@code first .. first + lanes} of {@link AttentionLanes}; keys and values are addresses of the key head's cache.
   *
   * @param rounded whether queries are rounded to bf16
   * @param floor see {@link AttentionLanes#finish}
   * @param scratch address of {@link #scratchBytes} bytes
   * @return the lanes that were not done, as bits
   */
  long attend(
      Rows query, int heads, long keys, long values, int headDim, MemorySegment visible, int total, float scale, double floor, Rows out,
      boolean rounded, int from, int first, int lanes, long scratch) {
    long base = aligned(scratch);
    long tile = base + TILE;
    long zeros = base + ZEROS;
    long panel = aligned(zeros + 4L * headDim);
    long mixed = panel + panelBytes(headDim);
    long room = mixed + 4L * headDim * AttentionLanes.LANES;
    int strips = Math.ceilDiv(lanes, PanelLayout.STRIP);
    long range = AttentionLanes.begin(visible, heads, from, first, lanes, base);
    AttentionLanes.place(query, heads, headDim, from, first, lanes, base);
    for (int s = 0; s < strips; s++) {
      products.moves().packFloats(base + s * 8L * PanelLayout.STRIP, 0, headDim, panel + s * 4L * PanelLayout.STRIP, strips);
    }
    if (rounded) {
      BfloatLinear.round(panel, panel, strips * PanelLayout.STRIP * headDim);
    }
    Memory.clear(mixed, 4L * strips * PanelLayout.STRIP * headDim);
    int end = (int) range;
    for (int key = (int) (range >> Integer.SIZE); key < end; key += KEYS) {
      int count = Math.min(KEYS, end - key);
      long at = cache.bytes() * key * headDim;
      Memory.clear(tile, (long) count * PanelLayout.TILE_BYTES);
      products.product().multiply(panel, strips, floats(keys + at, count, headDim, room), 4L * headDim, count, headDim, tile);
      products.attention().soften(tile, strips, key, count, scale);
      products.attention().mix(tile, strips, floats(values + at, count, headDim, room), count, headDim, mixed);
    }
    AttentionLanes.place(out, heads, headDim, from, first, lanes, base);
    Memory.clear(zeros, 4L * headDim);
    return finishing.finish(total, floor, headDim, lanes, base, zeros, mixed);
  }

  /** Where these rows of the cache stand as float32. */
  private long floats(long rows, int count, int headDim, long room) {
    if (cache.isFloat()) {
      return rows;
    }
    products.stored().widen(cache.type(), rows, cache.bytes() * headDim, count, 0, headDim, room, 4 * headDim);
    return room;
  }

  /** Columns are packed sixteen at a time. */
  private static long panelBytes(int headDim) {
    return Math.ceilDiv(headDim, PanelLayout.STRIP) * (long) PanelLayout.STRIP * PanelLayout.TILE_BYTES;
  }

  private static long aligned(long address) {
    return (address + LINE - 1) & -LINE;
  }
}
