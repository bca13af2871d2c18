package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.Map;
import kumiko.runtime.graph.Mask;

/**
 * What one run through the steps works on: the new rows of some sequences, one sequence after another without padding. Filled anew for
 * every call, allocated once.
 */
final class Call {
  final int maxRows;

  /** Rows of this call, and how many of them are picked for what stands behind the last attention. */
  int rows;

  int picked;
  final int[] pickedRows;

  /** Sequence s has rows {@code first[s] .. first[s] + count[s]}, behind {@code past[s]} keys of slot {@code slot[s]}. */
  int sequences;

  final int[] slot;
  final int[] first;
  final int[] count;
  final int[] past;

  final MemorySegment tokens;
  final MemorySegment[] positions;
  final Map<Mask, MemorySegment> visible = new HashMap<>();

  Call(Arena arena, int maxRows, int slots, Iterable<Mask> masks) {
    this.maxRows = maxRows;
    pickedRows = new int[maxRows];
    slot = new int[slots];
    first = new int[slots];
    count = new int[slots];
    past = new int[slots];
    tokens = arena.allocate(ValueLayout.JAVA_INT, maxRows);
    positions = new MemorySegment[]{arena.allocate(ValueLayout.JAVA_INT, maxRows), arena.allocate(ValueLayout.JAVA_INT, maxRows)};
    for (Mask mask : masks) {
      visible.put(mask, arena.allocate(ValueLayout.JAVA_INT, 2L * maxRows));
    }
  }

  void clear() {
    rows = 0;
    picked = 0;
    sequences = 0;
  }

  void begin(int sequenceSlot, int pastKeys) {
    slot[sequences] = sequenceSlot;
    first[sequences] = rows;
    count[sequences] = 0;
    past[sequences] = pastKeys;
    sequences++;
  }

  /** The row that the next token of the sequence begun last gets. */
  int nextRow() {
    count[sequences - 1]++;
    return rows++;
  }

  void pick(int row) {
    pickedRows[picked++] = row;
  }

  /** Keys that rows of sequence s may look at. */
  int total(int s) {
    return past[s] + count[s];
  }

  int rows(boolean pickedOnly) {
    return pickedOnly ? picked : rows;
  }
}
