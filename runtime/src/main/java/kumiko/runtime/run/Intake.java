package kumiko.runtime.run;

import java.util.Arrays;

/** Tokens that wait to be computed, and how they are packed into calls. */
final class Intake {
  private final Limits limits;
  private final boolean wholeFront;
  private final Call call;
  private final CallWriter writer;
  private final Machine machine;
  private final SequenceState[] states;
  private final int capacity;

  /** What each slot still has to take, or null. */
  private final int[][] pending;

  private final int[] taken;
  private final int[] pickedRow;

  Intake(Program program, Call call, Machine machine, SequenceState[] states, int capacity) {
    this.limits = program.limits();
    wholeFront = limits.wholeFront();
    this.call = call;
    this.machine = machine;
    this.states = states;
    this.capacity = capacity;
    writer = new CallWriter(call, limits.prefix());
    pending = new int[states.length][];
    taken = new int[states.length];
    pickedRow = new int[states.length];
  }

  void clear() {
    Arrays.fill(pending, null);
  }

  /** Whether the slot was given something in this round. */
  boolean isGiven(int slot) {
    return pending[slot] != null;
  }

  /** Whether everything that the slot was given has been put into a call. */
  boolean isTaken(int slot) {
    return taken[slot] == pending[slot].length;
  }

  /** The picked row that holds the last position of the slot in this call. */
  int pickedRow(int slot) {
    return pickedRow[slot];
  }

  /** Lets ids wait, after checking that the slot can take them all. */
  void accept(int slot, int[] ids) {
    SequenceState state = states[slot];
    limits.checkPrompt(slot, ids);
    limits.checkCapacity(slot, state.length, ids.length, capacity);
    for (int i = 0; i < ids.length; i++) {
      limits.checkToken(slot, state.length + i, ids[i]);
    }
    if (state.length == 0) {
      state.begin(limits.model(), limits.positions(), slot, ids);
    }
    for (int i = 0; i < ids.length; i++) {
      limits.checkPosition(slot, 0, state.position(0, state.length + i));
      limits.checkPosition(slot, 1, state.position(1, state.length + i));
    }
    pending[slot] = ids;
    taken[slot] = 0;
  }

  /** Packs as many waiting rows into the call as fit; whether some are left. */
  boolean fill(boolean everyRow) {
    call.clear();
    for (int s = 0; s < states.length; s++) {
      if (pending[s] == null || isTaken(s)) {
        continue;
      }
      int room = call.maxRows - call.rows;
      if (room < rowsInOnePiece(states[s])) {
        return true;
      }
      if (states[s].length == 0) {
        machine.beginSequence(s);
      }
      int count = Math.min(room, pending[s].length - taken[s]);
      writer.write(s, states[s], pending[s], taken[s], count);
      taken[s] += count;
      pick(s, everyRow);
    }
    return isWaiting();
  }

  private int rowsInOnePiece(SequenceState state) {
    return wholeFront ? Math.max(1, state.start - state.length) : 1;
  }

  private void pick(int slot, boolean everyRow) {
    int from = everyRow ? call.first[call.sequences - 1] : isTaken(slot) ? call.rows - 1 : call.rows;
    for (int row = from; row < call.rows; row++) {
      call.pick(row);
    }
    pickedRow[slot] = call.picked - 1;
  }

  private boolean isWaiting() {
    for (int s = 0; s < states.length; s++) {
      if (pending[s] != null && !isTaken(s)) {
        return true;
      }
    }
    return false;
  }
}
