package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.machine.GroupAttention;
import kumiko.runtime.tensor.Rows;

/** Attention of one row of heads that share a key head, by machine code that reads each key and value once: see {@link GroupAttention}. */
final class AttentionGroup {
  private static final long SCORES = GroupAttention.STATE_BYTES;

  private final GroupAttention attention;

  /** Bytes of a number of the cache. */
  private final long bytes;

  AttentionGroup(GroupAttention attention, CacheElement cache) {
    this.attention = attention;
    bytes = cache.bytes();
  }

  /** State, scores, and keys that fill no block. */
  static long scratchBytes(int headDim, int keys) {
    return SCORES + scoreBytes(keys) + (long) GroupAttention.BLOCK * headDim * Float.BYTES;
  }

  private static long scoreBytes(int keys) {
    return (long) Float.BYTES * (GroupAttention.QUERIES * (long) keys + GroupAttention.BLOCK);
  }

  /** The most heads that can be done at once. */
  static int together(int heads) {
    return Integer.highestOneBit(Math.min(heads, GroupAttention.QUERIES));
  }

  /**
   * Row {@code r} of {@code heads} heads from column {@code column} on, as many as {@link #together} says; keys and values are addresses of
   * the key head's cache.
   *
   * @param floor a head that does not see all {@code total} keys needs a score above this
   * @param scratch address of {@link #scratchBytes} bytes
   * @return the heads whose scores are below the floor, as bits; what was written for them means nothing
   */
  int attend(
      Rows query, int column, int heads, long keys, long values, int headDim, MemorySegment visible, int total, float scale, double floor,
      Rows out, int r, long scratch) {
    int first = Memory.getInt(visible.address() + 8L * r);
    int count = Memory.getInt(visible.address() + 8L * r + 4) - first;
    long to = VectorLinear.address(out, r, column);
    if (count <= 0) {
      Memory.clear(to, 4L * heads * headDim);
      return total > 0 && -Float.MAX_VALUE < floor ? (1 << heads) - 1 : 0;
    }
    long start = bytes * first * headDim;
    long scores = scratch + SCORES;
    score(heads, VectorLinear.address(query, r, column), keys + start, count, headDim, total, scores);
    attention.soften(heads, scores, count, scale);
    int below = 0;
    for (int head = 0; head < heads; head++) {
      long place = scratch + 4L * head * GroupAttention.keys(heads);
      below |= count < total && Memory.get(place + GroupAttention.MAX) < floor ? 1 << head : 0;
      float sum = Memory.get(place + GroupAttention.SUM);
      Memory.set(scratch + GroupAttention.FACTORS + 4L * head, sum == 0 ? 0 : 1 / sum);
    }
    attention.mix(heads, scores, values + start, count, headDim, to);
    return below;
  }

  /** Keys that fill no block are scored where there is room behind them. */
  private void score(int heads, long query, long keys, int count, int headDim, int total, long scores) {
    int whole = count / GroupAttention.keys(heads);
    int done = whole * GroupAttention.keys(heads);
    if (whole > 0) {
      attention.score(heads, query, keys, whole, headDim, scores);
    }
    if (done < count) {
      long room = scores + scoreBytes(total);
      Memory.moveBytes(keys + bytes * done * headDim, room, bytes * (count - done) * headDim);
      attention.score(heads, query, room, 1, headDim, scores + 4L * whole * GroupAttention.BLOCK);
    }
  }
}
