package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import kumiko.runtime.machine.LazyMemory;

/** Memory that each thread uses while it does a part of a step. */
final class Scratch {
  private final MemorySegment[] own;

  Scratch(Arena arena, int workers, long bytes) {
    own = new MemorySegment[workers];
    for (int w = 0; w < workers; w++) {
      own[w] = LazyMemory.allocateHuge(arena, Math.max(Long.BYTES, bytes), "scratch memory");
    }
  }

  MemorySegment of(int worker) {
    return own[worker];
  }
}
