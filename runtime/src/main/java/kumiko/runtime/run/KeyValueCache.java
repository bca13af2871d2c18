package kumiko.runtime.run;

import java.lang.foreign.MemorySegment;

/**
 * The keys or the values of one layer for all slots, {@code [slots, kvHeads, capacity, headDim]} in the activation type. A layer's
 * keys and values lie alike, so one offset serves both.
 *
 * @param capacity positions a slot holds, a tuned prefix included
 */
record KeyValueCache(String name, MemorySegment data, int kvHeads, int capacity, int headDim) {
  long offset(int slot, int kvHead) {
    return ((long) slot * kvHeads + kvHead) * capacity * headDim;
  }
}
