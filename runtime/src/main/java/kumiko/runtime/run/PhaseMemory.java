package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.machine.LazyMemory;

/** Memory of which each phase needs pieces while it runs and no longer: all phases use the same. */
final class PhaseMemory {
  private final Arena arena;
  private final String purpose;

  /** One for each piece that a phase has at the same time. */
  private final List<MemorySegment> pieces = new ArrayList<>();

  /** How many of them each phase has. */
  private final Map<Integer, Integer> taken = new HashMap<>();

  /** @param purpose what it is called where the system refuses it */
  PhaseMemory(Arena arena, String purpose) {
    this.arena = arena;
    this.purpose = purpose;
  }

  /** One more piece for phase {@code level}. */
  MemorySegment take(int level, long bytes) {
    int index = taken.merge(level, 1, Integer::sum) - 1;
    if (index == pieces.size()) {
      pieces.add(LazyMemory.allocateHuge(arena, bytes, purpose));
    } else if (pieces.get(index).byteSize() < bytes) {
      pieces.set(index, LazyMemory.allocateHuge(arena, bytes, purpose));
    }
    return pieces.get(index);
  }
}
