package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.PairAttention;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;

/**
 * Attention of many queries with products of bf16, by machine code, without the whole score matrix. Queries lie in panels, {@link
 * AttentionLanes} each; keys and values are of bf16, and the values of a block of keys are turned once for all panels of a call. Both
 * products are those of a {@link kumiko.runtime.machine.PanelProduct}: keys by queries, and columns of values by exponentials.
 */
final class BfloatAttention {
  /** Panels that share what is made of a block of keys. */
  private static final int PANELS = 4;

  /** The most queries of a call. */
  static final int QUERIES = PANELS * AttentionLanes.LANES;

  /** Keys of a block. */
  private static final int KEYS = 128;

  private static final int LINE = 64;

  /** Bytes of a row of turned values. */
  private static final long TURNED_STRIDE = (long) KEYS * Short.BYTES;

  /** What all panels share: a tile of scores, their exponentials, and from there on what depends on how wide a head is. */
  private static final long EXPONENTIALS = (long) KEYS * PanelLayout.TILE_BYTES;

  private static final long KEY_ROWS = EXPONENTIALS + (long) KEYS / 2 * PanelLayout.TILE_BYTES;

  /** Of a panel: first and end of its keys, what is known of its lanes, and then its queries. */
  private static final long KNOWN = LINE;

  private static final long PANEL = LINE * Math.ceilDiv(KNOWN + AttentionLanes.BYTES, LINE);

  private final FloatProducts floats;
  private final PairProducts pairs;
  private final AttentionLanes finishing;

  BfloatAttention(FloatProducts floats, PairProducts pairs) {
    this.floats = floats;
    this.pairs = pairs;
    finishing = new AttentionLanes(floats);
  }

  static long scratchBytes(int headDim) {
    return LINE + panel(0, headDim, PANELS);
  }

  /** Columns of keys and queries, with zeros to whole blocks. */
  private static int columns(int headDim) {
    return Math.ceilDiv(headDim, PanelLayout.BLOCK) * PanelLayout.BLOCK;
  }

  /** Values of a block, a row for each column. */
  private static long turned(long base, int headDim) {
    return base + KEY_ROWS + (long) KEYS * columns(headDim) * Short.BYTES;
  }

  /** Room for a block of keys or of values as float32, and for zeros. */
  private static long wide(long base, int headDim) {
    return turned(base, headDim) + columns(headDim) * TURNED_STRIDE;
  }

  /** What was mixed for a panel, a row for each query. */
  private static long rows(long base, int headDim) {
    return wide(base, headDim) + (long) KEYS * columns(headDim) * Float.BYTES;
  }

  private static long panel(long base, int headDim, int p) {
    long bytes = PANEL + PanelLayout.panelBytes(headDim) + (long) columns(headDim) * PanelLayout.TILE_BYTES;
    return rows(base, headDim) + (long) AttentionLanes.LANES * columns(headDim) * Float.BYTES + p * bytes;
  }

  private static long queries(long panel) {
    return panel + PANEL;
  }

  /** What is mixed for a panel, a row for each column of the values. */
  private static long mixed(long panel, int headDim) {
    return queries(panel) + PanelLayout.panelBytes(headDim);
  }

  /** Panels that so many queries fill. */
  static int panels(int queries) {
    return Math.ceilDiv(queries, AttentionLanes.LANES);
  }

  /** Queries in panel {@code p} of so many. */
  static int lanes(int queries, int p) {
    return Math.min(AttentionLanes.LANES, queries - p * AttentionLanes.LANES);
  }

  /**
   * Mixes the values for queries {@code first .. first + queries} of {@link AttentionLanes}, in panels from {@code panel} on; keys and values
   * are addresses of the key head's cache.
   *
   * @param queries at most {@link #QUERIES}
   * @param scratch address of {@link #scratchBytes} bytes
   */
  void mix(
      Rows query, int heads, long keys, long values, int headDim, MemorySegment visible, float scale, int from, int first, int queries,
      int panel, long scratch) {
    long base = aligned(scratch);
    int lowest = Integer.MAX_VALUE;
    int highest = 0;
    for (int p = 0; p < panels(queries); p++) {
      long range = begin(
          query, heads, headDim, visible, from, first + p * AttentionLanes.LANES, lanes(queries, p), panel(base, headDim, panel + p));
      lowest = Math.min(lowest, (int) (range >> Integer.SIZE));
      highest = Math.max(highest, (int) range);
    }
    for (int key = lowest; key < highest; key += KEYS) {
      int count = Math.min(KEYS, highest - key);
      long at = (long) Short.BYTES * key * headDim;
      long rows = filled(keys + at, count, headDim, base);
      turn(values + at, count, headDim, base);
      for (int p = 0; p < panels(queries); p++) {
        mixBlock(rows, headDim, key, count, lanes(queries, p), scale, panel(base, headDim, panel + p), base);
      }
    }
  }

  private long begin(Rows query, int heads, int headDim, MemorySegment visible, int from, int first, int count, long panel) {
    long own = panel + KNOWN;
    int strips = Math.ceilDiv(count, PanelLayout.STRIP);
    long range = AttentionLanes.begin(visible, heads, from, first, count, own);
    Memory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, panel, range);
    AttentionLanes.place(query, heads, headDim, from, first, count, own);
    for (int s = 0; s < strips; s++) {
      pairs.moves().pack(own + s * 8L * PanelLayout.STRIP, 0, headDim, queries(panel) + s * 4L * PanelLayout.STRIP, strips);
    }
    Memory.clear(mixed(panel, headDim), (long) headDim * PanelLayout.TILE_BYTES);
    return range;
  }

  /** Where these rows of the cache stand with zeros to whole {@link #columns}. */
  private long filled(long keys, int count, int headDim, long base) {
    if (columns(headDim) == headDim) {
      return keys;
    }
    long floatRows = widened(keys, count, headDim, base);
    pairs.rounding().round(floatRows, 4L * headDim, count, headDim, base + KEY_ROWS, Short.BYTES * columns(headDim));
    return base + KEY_ROWS;
  }

  /** Values past the last key must be numbers, as they are multiplied with zero. */
  private void turn(long values, int count, int headDim, long base) {
    long floatRows = widened(values, count, headDim, base);
    int blocks = Math.ceilDiv(count, PairAttention.KEYS);
    Memory.clear(floatRows + 4L * count * headDim, 4L * (blocks * PairAttention.KEYS - count) * headDim);
    pairs.attention().turn(floatRows, blocks, headDim, turned(base, headDim), TURNED_STRIDE);
  }

  private long widened(long rows, int count, int headDim, long base) {
    long room = wide(base, headDim);
    floats.stored().widen(DType.BF16, rows, (long) Short.BYTES * headDim, count, 0, headDim, room, Float.BYTES * headDim);
    return room;
  }

  private void mixBlock(long keys, int headDim, int key, int count, int queries, float scale, long panel, long base) {
    long range = Memory.ALL.get(ValueLayout.JAVA_LONG_UNALIGNED, panel);
    int seen = Math.min(count, (int) range - key);
    if (seen <= 0 || key + count <= (int) (range >> Integer.SIZE)) {
      return;
    }
    int strips = Math.ceilDiv(queries, PanelLayout.STRIP);
    long tile = base;
    long state = panel + KNOWN + AttentionLanes.STATE;
    long mixed = mixed(panel, headDim);
    int columns = columns(headDim);
    Memory.clear(tile, (long) seen * PanelLayout.TILE_BYTES);
    pairs.product().multiply(queries(panel), strips, keys, (long) Short.BYTES * columns, seen, columns, tile);
    int rounded = Math.ceilDiv(seen, PairAttention.KEYS) * PairAttention.KEYS;
    pairs.attention().soften(tile, state, strips, key, rounded, scale, base + EXPONENTIALS);
    pairs.attention().shrink(mixed, state, strips, headDim);
    pairs.product().multiply(base + EXPONENTIALS, strips, turned(base, headDim), TURNED_STRIDE, headDim, rounded, mixed);
  }

  /**
   * {@link AttentionLanes#finish} of the queries from {@code first} on that were mixed in a panel.
   *
   * @param alone whether it was a single query in a call of its own: it met no value that only others see
   */
  long finish(
      Rows out, int heads, int headDim, int total, double floor, int from, int first, int queries, int panel, boolean alone, long scratch) {
    long base = aligned(scratch);
    long place = panel(base, headDim, panel);
    long mixed = mixed(place, headDim);
    long rows = rows(base, headDim);
    Memory.clear(rows, (long) AttentionLanes.LANES * headDim * Float.BYTES);
    for (int lane = 0; lane < queries; lane += PanelLayout.STRIP) {
      for (int d = 0; d < headDim; d += PanelLayout.STRIP) {
        pairs.moves().add(
            mixed + (long) d * PanelLayout.TILE_BYTES + 4L * lane, PanelLayout.TILE_BYTES, rows + 4L * (lane * headDim + d), 4L * headDim,
            Math.min(PanelLayout.STRIP, queries - lane), Math.min(PanelLayout.STRIP, headDim - d));
      }
    }
    AttentionLanes.place(out, heads, headDim, from, first, queries, place + KNOWN);
    long zeros = wide(base, headDim);
    Memory.clear(zeros, 4L * headDim);
    return finishing.finish(total, floor, headDim, queries, place + KNOWN, alone ? 0 : zeros, rows);
  }

  private static long aligned(long address) {
    return (address + LINE - 1) & -LINE;
  }
}
