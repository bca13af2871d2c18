package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.PanelAttention;
import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;

/**
 * Up to 64 queries that meet the same keys, each a lane of a panel: rows of one head, or of several that share the key head. Query i is
 * head {@code i % heads} of row {@code from + i / heads}.
 *
 * <p>What is known of them lies from one address on: that of each lane's row, a factor for each, and last the state of
 * {@link PanelAttention}.
 */
final class AttentionLanes {
  /** The most queries. */
  static final int LANES = PanelLayout.LANES;

  private static final long FACTORS = LANES * (long) Long.BYTES;

  /** Where the state begins. */
  static final long STATE = FACTORS + LANES * (long) Float.BYTES;

  /** Of all that is known. */
  static final long BYTES = STATE + PanelAttention.STATE_BYTES;

  private final FloatProducts products;

  AttentionLanes(FloatProducts products) {
    this.products = products;
  }

  /** The state before the first key; returns the first key that any lane sees, in the upper half, and the end of those. */
  static long begin(MemorySegment visible, int heads, int from, int query, int lanes, long lanesAt) {
    int lowest = Integer.MAX_VALUE;
    int highest = 0;
    for (int lane = 0; lane < LANES; lane++) {
      long at = visible.address() + 8L * (from + (query + lane) / heads);
      int first = lane < lanes ? Memory.getInt(at) : 0;
      int end = lane < lanes ? Memory.getInt(at + 4) : 0;
      long own = lanesAt + STATE + 4L * lane;
      Memory.ALL.set(ValueLayout.JAVA_INT_UNALIGNED, own + PanelAttention.FIRST, first);
      Memory.ALL.set(ValueLayout.JAVA_INT_UNALIGNED, own + PanelAttention.END, end);
      // Less than any score, but not infinite: an infinity less itself is not a number.
      Memory.set(own + PanelAttention.MAX, -Float.MAX_VALUE);
      Memory.set(own + PanelAttention.SUM, 0);
      lowest = first < end ? Math.min(lowest, first) : lowest;
      highest = first < end ? Math.max(highest, end) : highest;
    }
    return (long) lowest << Integer.SIZE | highest;
  }

  /** The address of every lane's row into the table; lanes past the last hold a row again. */
  static void place(Rows rows, int heads, int headDim, int from, int query, int lanes, long table) {
    for (int lane = 0; lane < LANES; lane++) {
      int taken = query + Math.min(lane, lanes - 1);
      long address = VectorLinear.address(rows, from + taken / heads, taken % heads * headDim);
      Memory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, table + 8L * lane, address);
    }
  }

  /**
   * Writes the lanes that are done to the rows that were {@link #place}d, and leaves where it stands what was mixed for the others.
   *
   * @param floor lanes that do not see all {@code total} keys need a score above this
   * @param zeros address of {@code headDim} zeros; 0 where no value was mixed that not all lanes see
   * @param mixed address of as many rows of {@code headDim} float32
   * @return the lanes that were not done, as bits: those with scores below the floor, and those for which a value is not a number, which a
   *     key that is left out must not pass on
   */
  long finish(int total, double floor, int headDim, int lanes, long lanesAt, long zeros, long mixed) {
    long factors = lanesAt + FACTORS;
    Memory.clear(factors, STATE - FACTORS);
    if (zeros != 0) {
      // Zero times anything else is not zero.
      products.stored().dots(DType.F32, mixed, 4L * headDim, lanes, zeros, headDim, factors);
    }
    long undone = 0;
    for (int lane = 0; lane < lanes; lane++) {
      long own = lanesAt + STATE + 4L * lane;
      int seen = Memory.getInt(own + PanelAttention.END) - Memory.getInt(own + PanelAttention.FIRST);
      if (Memory.get(factors + 4L * lane) != 0 || (seen < total && Memory.get(own + PanelAttention.MAX) < floor)) {
        undone |= 1L << lane;
        Memory.ALL.set(ValueLayout.JAVA_LONG_UNALIGNED, lanesAt + 8L * lane, mixed + 4L * lane * headDim);
      }
      float sum = Memory.get(own + PanelAttention.SUM);
      Memory.set(factors + 4L * lane, sum == 0 ? 0 : 1 / sum);
    }
    products.attention().scale(mixed, lanesAt, lanes, factors, headDim);
    return undone;
  }
}
