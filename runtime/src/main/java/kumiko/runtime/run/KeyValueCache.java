package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import kumiko.runtime.machine.HugePages;
import kumiko.runtime.machine.LazyMemory;
import kumiko.runtime.tensor.DType;

/**
 * The keys or the values of one layer for all slots. What a slot holds is {@code [kvHeads, room, headDim]} at the beginning of memory that
 * has place for {@code [kvHeads, capacity, headDim]}. A layer's keys and values lie alike, so one offset serves both.
 *
 * <p>The room doubles when a sequence outgrows it, and its heads move apart. So they lie close together, in large pages that are read up to twice
 * as fast as small ones, and no more of them are touched than a sequence about fills, whatever the capacity is.
 */
final class KeyValueCache {
  private final String name;
  private final DType dtype;
  private final MemorySegment data;
  private final int kvHeads;
  private final int capacity;
  private final int headDim;

  /** Positions that a head has room for before it moves the first time: together the heads fill one large page. */
  private final int least;

  /** Positions that each head of a slot has room for. */
  private final int[] room;

  /** @param capacity positions a slot holds at most, a tuned prefix included */
  KeyValueCache(Arena arena, String name, DType dtype, int slots, int kvHeads, int capacity, int headDim) {
    this.name = name;
    this.dtype = dtype;
    this.kvHeads = kvHeads;
    this.capacity = capacity;
    this.headDim = headDim;
    long elements = Math.multiplyExact((long) slots * kvHeads * headDim, capacity);
    String purpose = "the key/value cache of " + slots + " slots of " + capacity + " positions";
    data = LazyMemory.allocateHuge(arena, Math.multiplyExact(elements, dtype.blockBytes()), purpose);
    least = (int) Math.max(1, HugePages.BYTES / dtype.bytes((long) kvHeads * headDim));
    room = new int[slots];
  }

  String name() {
    return name;
  }

  DType dtype() {
    return dtype;
  }

  MemorySegment data() {
    return data;
  }

  int kvHeads() {
    return kvHeads;
  }

  int headDim() {
    return headDim;
  }

  /** Positions from one head of a slot to the next. */
  int room(int slot) {
    return room[slot];
  }

  /** The element at which a head's first position lies; until {@link #makeRoom} moves it. */
  long offset(int slot, int kvHead) {
    return ((long) slot * kvHeads * capacity + (long) kvHead * room[slot]) * headDim;
  }

  /** Makes room for so many positions of a slot that holds {@code held}: 0 where it begins anew. */
  void makeRoom(int slot, int held, int positions) {
    int before = room[slot];
    if (held > 0 && positions <= before) {
      return;
    }
    int wanted = Math.min(held == 0 ? least : before, capacity);
    while (wanted < positions) {
      wanted = wanted > capacity / 2 ? capacity : 2 * wanted;
    }
    room[slot] = wanted;
    long from = offset(slot, 0);
    for (int head = kvHeads - 1; head > 0 && held > 0; head--) {
      MemorySegment.copy(
          data, dtype.bytes(from + (long) head * before * headDim), data, dtype.bytes(offset(slot, head)),
          dtype.bytes((long) held * headDim));
    }
  }
}
