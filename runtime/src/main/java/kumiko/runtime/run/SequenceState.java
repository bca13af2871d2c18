package kumiko.runtime.run;

import kumiko.runtime.graph.Mask;
import kumiko.runtime.graph.Positions;

/** Where one slot's sequence stands, and what its position numbers follow from. */
final class SequenceState {
  /** Tokens so far. */
  int length;

  /** Index of the start token, and position of the blank it fills; -1 where positions are sequential. */
  int start = -1;

  int blank = -1;

  void clear() {
    length = 0;
    start = -1;
    blank = -1;
  }

  void set(SequenceState other) {
    length = other.length;
    start = other.start;
    blank = other.blank;
  }

  /** Reads the prompt's marks. @throws IllegalArgumentException naming the token that the prompt lacks */
  void begin(String model, Positions positions, int slot, int[] prompt) {
    clear();
    if (positions instanceof Positions.Blocks(int blankId, int generationId, int startId)) {
      start = indexOf(prompt, startId);
      int generation = indexOf(prompt, generationId);
      blank = generation >= 0 ? generation : indexOf(prompt, blankId);
      if (start < 0) {
        throw new IllegalArgumentException(
            model + ": the prompt of slot " + slot + " has no start token " + startId
                + "; block positions count from it, end the prompt with it");
      }
      if (blank < 0) {
        throw new IllegalArgumentException(
            model + ": the prompt of slot " + slot + " has neither the generation mask " + generationId + " nor the mask " + blankId
                + "; the answer's position is that of its mask, put one before the start token");
      }
    }
  }

  private static int indexOf(int[] ids, int id) {
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] == id) {
        return i;
      }
    }
    return -1;
  }

  int position(int axis, int index) {
    boolean answer = start >= 0 && index >= start;
    if (axis == 0) {
      return answer ? blank : index;
    }
    return answer ? index - start + 1 : 0;
  }

  /** First visible key of the row at {@code index}, tuned prefix left out. */
  int visibleFrom(Mask mask, int index) {
    return mask instanceof Mask.Window(int size) ? Math.max(0, index - size + 1) : 0;
  }

  /** End of the visible keys of the row at {@code index}, tuned prefix left out. */
  int visibleTo(Mask mask, int index) {
    return mask instanceof Mask.PrefixCausal && index < start ? start : index + 1;
  }
}
