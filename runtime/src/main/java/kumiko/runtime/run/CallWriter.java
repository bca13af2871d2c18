package kumiko.runtime.run;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import kumiko.runtime.graph.Mask;

/** Writes the rows of a call: tokens, positions and what each row may see. */
final class CallWriter {
  private final Call call;
  private final Mask[] masks;
  private final MemorySegment[] visible;
  private final int prefix;

  CallWriter(Call call, int prefix) {
    this.call = call;
    this.prefix = prefix;
    masks = call.visible.keySet().toArray(Mask[]::new);
    visible = new MemorySegment[masks.length];
    for (int m = 0; m < masks.length; m++) {
      visible[m] = call.visible.get(masks[m]);
    }
  }

  /** {@code count} tokens of {@code ids} from {@code from} on, behind what the sequence has. */
  void write(int slot, SequenceState state, int[] ids, int from, int count) {
    call.begin(slot, prefix + state.length);
    for (int i = 0; i < count; i++) {
      int row = call.nextRow();
      int index = state.length + i;
      call.tokens.setAtIndex(ValueLayout.JAVA_INT, row, ids[from + i]);
      call.positions[0].setAtIndex(ValueLayout.JAVA_INT, row, state.position(0, index));
      call.positions[1].setAtIndex(ValueLayout.JAVA_INT, row, state.position(1, index));
      for (int m = 0; m < masks.length; m++) {
        int first = state.visibleFrom(masks[m], index);
        visible[m].setAtIndex(ValueLayout.JAVA_INT, 2L * row, first);
        visible[m].setAtIndex(ValueLayout.JAVA_INT, 2L * row + 1, prefix + state.visibleTo(masks[m], index));
      }
    }
    state.length += count;
  }
}
