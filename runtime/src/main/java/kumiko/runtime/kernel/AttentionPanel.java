package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.PanelAttention;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;

/**
 * Attention of up to 64 queries with one key head at once by machine code, without the whole score matrix: see {@link PanelAttention}.
 * Queries are rows of one head, or of several that share the key head; each is a lane.
 */
final class AttentionPanel {
  /** The most queries of a call. */
  static final int LANES = PanelLayout.LANES;

  /** Keys whose scores wait in a tile. */
  private static final int KEYS = 96;

  private static final int LINE = 64;
  private static final long STATE = LANES * (long) Long.BYTES;
  private static final long TILE = STATE + PanelAttention.STATE_BYTES;
  private static final long FACTORS = TILE + (long) KEYS * PanelLayout.TILE_BYTES;
  private static final long ZEROS = FACTORS + LANES * (long) Float.BYTES;

  private final FloatProducts products;

  AttentionPanel(FloatProducts products) {
    this.products = products;
  }

  /** Addresses of lanes, state and tile, factors; as many zeros as a head is wide; the queries' panel, and what is mixed for them. */
  static long scratchBytes(int headDim) {
    return ZEROS + headDim * (long) Float.BYTES * (1 + LANES) + panelBytes(headDim) + 2 * LINE;
  }

  /**
   * Queries {@code first .. first + lanes}, of which query i is head {@code i % heads} of row {@code from + i / heads}; keys and values are
   * addresses of the key head's cache.
   *
   * @param floor rows that do not see all {@code total} keys need a score above this
   * @param scratch address of {@link #scratchBytes} bytes
   * @return the lanes that were not done, as bits: those with scores below the floor, and those for which a value is not a number, which a
   *     key that is left out must not pass on
   */
  long attend(
      Rows query, int heads, long keys, long values, int headDim, MemorySegment visible, int total, float scale, double floor, Rows out,
      int from, int first, int lanes, long scratch) {
    long base = aligned(scratch);
    long tile = base + TILE;
    long panel = aligned(base + ZEROS + 4L * headDim);
    long mixed = panel + panelBytes(headDim);
    int strips = Math.ceilDiv(lanes, PanelLayout.STRIP);
    long range = begin(visible, heads, from, first, lanes, base + STATE);
    place(query, heads, headDim, from, first, lanes, base);
    for (int s = 0; s < strips; s++) {
      products.moves().packFloats(base + s * 8L * PanelLayout.STRIP, 0, headDim, panel + s * 4L * PanelLayout.STRIP, strips);
    }
    Lanes.clear(mixed, 4L * strips * PanelLayout.STRIP * headDim);
    int end = (int) range;
    for (int key = (int) (range >> Integer.SIZE); key < end; key += KEYS) {
      int count = Math.min(KEYS, end - key);
      long at = 4L * key * headDim;
      Lanes.clear(tile, (long) count * PanelLayout.TILE_BYTES);
      products.product().multiply(panel, strips, keys + at, 4L * headDim, count, headDim, tile);
      products.attention().soften(tile, strips, key, count, scale);
      products.attention().mix(tile, strips, values + at, count, headDim, mixed);
    }
    place(out, heads, headDim, from, first, lanes, base);
    return finish(total, floor, headDim, lanes, base, mixed);
  }

  /** The state before the first key; returns the first key that any lane sees, in the upper half, and the end of those. */
  private static long begin(MemorySegment visible, int heads, int from, int query, int lanes, long state) {
    int lowest = Integer.MAX_VALUE;
    int highest = 0;
    for (int lane = 0; lane < LANES; lane++) {
      long at = visible.address() + 8L * (from + (query + lane) / heads);
      int first = lane < lanes ? Lanes.getInt(at) : 0;
      int end = lane < lanes ? Lanes.getInt(at + 4) : 0;
      long own = state + 4L * lane;
      Lanes.MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, own + PanelAttention.FIRST, first);
      Lanes.MEMORY.set(ValueLayout.JAVA_INT_UNALIGNED, own + PanelAttention.END, end);
      // Less than any score, but not infinite: an infinity less itself is not a number.
      Lanes.set(own + PanelAttention.MAX, -Float.MAX_VALUE);
      Lanes.set(own + PanelAttention.SUM, 0);
      lowest = first < end ? Math.min(lowest, first) : lowest;
      highest = first < end ? Math.max(highest, end) : highest;
    }
    return (long) lowest << Integer.SIZE | highest;
  }

  /** The address of every lane's row into the table; lanes past the last hold a row again. */
  private static void place(Rows rows, int heads, int headDim, int from, int query, int lanes, long table) {
    for (int lane = 0; lane < LANES; lane++) {
      int taken = query + Math.min(lane, lanes - 1);
      long address = VectorLinear.address(rows, from + taken / heads, taken % heads * headDim);
      Lanes.MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, table + 8L * lane, address);
    }
  }

  /** Writes the lanes that are done, and leaves where it stands what was mixed for the others, which are returned. */
  private long finish(int total, double floor, int headDim, int lanes, long base, long mixed) {
    long factors = base + FACTORS;
    long state = base + STATE;
    Lanes.clear(factors, ZEROS - FACTORS + 4L * headDim);
    // Zero times anything else is not zero.
    products.stored().dots(DType.F32, mixed, 4L * headDim, lanes, base + ZEROS, headDim, factors);
    long undone = 0;
    for (int lane = 0; lane < lanes; lane++) {
      long own = state + 4L * lane;
      int seen = Lanes.getInt(own + PanelAttention.END) - Lanes.getInt(own + PanelAttention.FIRST);
      if (Lanes.get(factors + 4L * lane) != 0 || (seen < total && Lanes.get(own + PanelAttention.MAX) < floor)) {
        undone |= 1L << lane;
        Lanes.MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, base + 8L * lane, mixed + 4L * lane * headDim);
      }
      float sum = Lanes.get(own + PanelAttention.SUM);
      Lanes.set(factors + 4L * lane, sum == 0 ? 0 : 1 / sum);
    }
    products.attention().scale(mixed, base, lanes, factors, headDim);
    return undone;
  }

  /** Columns are packed sixteen at a time. */
  private static long panelBytes(int headDim) {
    return Math.ceilDiv(headDim, PanelLayout.STRIP) * (long) PanelLayout.STRIP * PanelLayout.TILE_BYTES;
  }

  private static long aligned(long address) {
    return (address + LINE - 1) & -LINE;
  }
}
