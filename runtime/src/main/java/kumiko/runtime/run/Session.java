package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Sequences in the middle of being written: a slot for each, with its key/value cache and its positions.
 *
 * <pre>{@code
 * try (Session session = program.open(2, 1024)) {
 *   session.prefill(0, promptIds);
 *   int next = session.sample(0, Sampler.greedy());
 *   while (next != endOfText) {
 *     session.decode(new int[] {next, Session.SKIP});
 *     next = session.sample(0, Sampler.greedy());
 *   }
 * }
 * }</pre>
 *
 * Sequences of different lengths run together without padding; what one of them gets does not depend on the others. Decoding
 * allocates nothing.
 */
public final class Session implements AutoCloseable {
  /** Stands in {@link #decode} for a slot that gets no token. */
  public static final int SKIP = -1;

  /** Takes the logits of each position in turn. */
  @FunctionalInterface
  public interface LogitsSink {
    /**
     * @param position index in the sequence
     * @param logits {@code [vocab]} in the program's activation type, valid during this call
     */
    void accept(int position, MemorySegment logits);
  }

  private final Program program;
  private final int slots;
  private final int capacity;
  private final Arena arena = Arena.ofShared();
  private final Machine machine;
  private final Call call;
  private final CallWriter writer;
  private final SequenceState[] states;
  private final MemorySegment[] logits;
  private final MemorySegment[] readableLogits;
  private final boolean[] hasLogits;

  /** What each slot still has to take: ids and how many of them are done; null where there is nothing. */
  private final int[][] pending;

  private final int[] done;
  private final int[] pickedRow;
  private final int[][] oneToken;

  Session(Program program, int slots, int capacity) {
    this.program = program;
    this.slots = slots;
    this.capacity = capacity;
    Limits limits = program.limits();
    call = new Call(arena, mostRows(program, slots, capacity), slots, limits.masks());
    machine = new Machine(program, arena, call, slots, Math.addExact(capacity, limits.prefix()));
    writer = new CallWriter(call, limits.prefix());
    states = new SequenceState[slots];
    logits = new MemorySegment[slots];
    readableLogits = new MemorySegment[slots];
    hasLogits = new boolean[slots];
    pending = new int[slots][];
    done = new int[slots];
    pickedRow = new int[slots];
    oneToken = new int[slots][1];
    long bytes = program.activations().bytes(program.vocab());
    for (int s = 0; s < slots; s++) {
      states[s] = new SequenceState();
      logits[s] = LazyMemory.allocate(arena, bytes, "logits");
      readableLogits[s] = logits[s].asReadOnly();
    }
  }

  private static int mostRows(Program program, int slots, int capacity) {
    int chunk = program.options().chunkRows();
    // The front of a prefix-causal prompt sees itself whole, so it is never cut.
    int wanted = program.limits().wholeFront() ? Math.max(chunk, capacity) : chunk;
    return (int) Math.max(slots, Math.min(wanted, (long) slots * capacity));
  }

  /**
   * Puts {@code ids} behind the sequence of a slot, from its beginning when the slot is empty; its {@link #logits} are then those of the
   * last position.
   *
   * @throws IllegalArgumentException when there are no ids, one is outside the vocabulary, the capacity or the learned positions are
   *     exceeded, or a prompt lacks the marks that block positions count from; nothing was computed then
   */
  public void prefill(int slot, int... ids) {
    prefill(slot, ids, null);
  }

  /** As {@link #prefill(int, int...)}, and {@code sink} gets the logits of every position. */
  public void prefill(int slot, int[] ids, LogitsSink sink) {
    checkSlot(slot);
    try {
      accept(slot, ids);
      advance(sink);
    } finally {
      Arrays.fill(pending, null);
    }
  }

  /** Prompts of several slots at once, one for each slot; null leaves a slot as it is. */
  public void prefill(int[][] prompts) {
    if (prompts.length != slots) {
      throw new IllegalArgumentException(
          program.graph().name() + ": " + prompts.length + " prompts for " + slots + " slots; give null for a slot to skip");
    }
    try {
      for (int s = 0; s < slots; s++) {
        if (prompts[s] != null) {
          accept(s, prompts[s]);
        }
      }
      advance(null);
    } finally {
      Arrays.fill(pending, null);
    }
  }

  /**
   * One more token for each slot, or {@link #SKIP}. Reads the weights once for all of them and allocates nothing.
   *
   * @throws IllegalArgumentException as {@link #prefill(int, int...)}, and when a slot has no prompt yet
   */
  public void decode(int... tokens) {
    if (tokens.length != slots) {
      throw new IllegalArgumentException(
          program.graph().name() + ": " + tokens.length + " tokens for " + slots + " slots; give Session.SKIP for a slot to skip");
    }
    try {
      for (int s = 0; s < slots; s++) {
        if (tokens[s] != SKIP) {
          if (states[s].length == 0) {
            throw new IllegalArgumentException(program.graph().name() + ": slot " + s + " has no prompt yet; prefill it before decoding");
          }
          oneToken[s][0] = tokens[s];
          accept(s, oneToken[s]);
        }
      }
      advance(null);
    } finally {
      Arrays.fill(pending, null);
    }
  }

  private void accept(int slot, int[] ids) {
    Limits limits = program.limits();
    if (ids.length == 0) {
      throw new IllegalArgumentException(program.graph().name() + ": the prompt of slot " + slot + " is empty; it needs at least 1 token");
    }
    SequenceState state = states[slot];
    limits.checkCapacity(slot, state.length, ids.length, capacity);
    for (int i = 0; i < ids.length; i++) {
      limits.checkToken(slot, state.length + i, ids[i]);
    }
    if (state.length == 0) {
      state.begin(program.graph().name(), limits.positions(), slot, ids);
    }
    for (int i = 0; i < ids.length; i++) {
      limits.checkPosition(slot, 0, state.position(0, state.length + i));
      limits.checkPosition(slot, 1, state.position(1, state.length + i));
    }
    pending[slot] = ids;
    done[slot] = 0;
  }

  /** Runs calls until nothing is pending. */
  private void advance(LogitsSink sink) {
    boolean everyRow = sink != null || machine.isObserved();
    boolean more = true;
    while (more) {
      more = fill(everyRow);
      machine.run();
      deliver(sink);
    }
  }

  /** Packs as many pending rows into the call as fit; whether some are left. */
  private boolean fill(boolean everyRow) {
    call.clear();
    for (int s = 0; s < slots; s++) {
      int[] ids = pending[s];
      if (ids == null || done[s] == ids.length) {
        continue;
      }
      SequenceState state = states[s];
      int room = call.maxRows - call.rows;
      int inOnePiece = program.limits().wholeFront() ? Math.max(1, state.start - state.length) : 1;
      if (room < inOnePiece) {
        return true;
      }
      if (state.length == 0) {
        machine.beginSequence(s);
      }
      int taken = Math.min(room, ids.length - done[s]);
      writer.write(s, state, ids, done[s], taken);
      done[s] += taken;
      pick(s, everyRow, done[s] == ids.length);
    }
    return isPending();
  }

  private void pick(int slot, boolean everyRow, boolean last) {
    int sequence = call.sequences - 1;
    int from = everyRow ? call.first[sequence] : last ? call.rows - 1 : call.rows;
    for (int row = from; row < call.rows; row++) {
      call.pick(row);
    }
    pickedRow[slot] = call.picked - 1;
  }

  private boolean isPending() {
    for (int s = 0; s < slots; s++) {
      if (pending[s] != null && done[s] < pending[s].length) {
        return true;
      }
    }
    return false;
  }

  private void deliver(LogitsSink sink) {
    long bytes = program.activations().bytes(program.vocab());
    for (int q = 0; q < call.sequences; q++) {
      int slot = call.slot[q];
      if (done[slot] == pending[slot].length) {
        MemorySegment.copy(machine.output.data(), pickedRow[slot] * bytes, logits[slot], 0, bytes);
        hasLogits[slot] = true;
      }
      for (int i = 0; i < call.count[q] && sink != null; i++) {
        MemorySegment row = machine.output.data().asSlice((pickedRow[slot] - call.count[q] + 1 + i) * bytes, bytes);
        sink.accept(states[slot].length - call.count[q] + i, row.asReadOnly());
      }
    }
  }

  /**
   * The logits of a slot's last position, {@code [vocab]} in the program's activation type; the next call on the slot overwrites them.
   *
   * @throws IllegalStateException when the slot has no prompt
   */
  public MemorySegment logits(int slot) {
    checkSlot(slot);
    if (!hasLogits[slot]) {
      throw new IllegalStateException(program.graph().name() + ": slot " + slot + " has no logits yet; prefill it first");
    }
    return readableLogits[slot];
  }

  /** The next token of a slot, chosen from its logits. */
  public int sample(int slot, Sampler sampler) {
    return sampler.next(logits(slot), program.activations());
  }

  /** Tokens in a slot. */
  public int length(int slot) {
    checkSlot(slot);
    return states[slot].length;
  }

  /** Empties a slot for a new sequence. */
  public void clear(int slot) {
    checkSlot(slot);
    states[slot].clear();
    hasLogits[slot] = false;
  }

  /**
   * Hands out captured values from now on: each node that the program captures, in order of execution, once a call and sequence. Null
   * ends it.
   */
  public void onCapture(Consumer<NodeValue> listener) {
    machine.onCapture = listener;
  }

  /** Lets {@code editor} overwrite the values of the nodes that the program lets it replace, before anybody reads them. Null ends it. */
  public void onReplace(Consumer<NodeValue> editor) {
    machine.onReplace = editor;
  }

  public int slots() {
    return slots;
  }

  public int capacity() {
    return capacity;
  }

  public Program program() {
    return program;
  }

  private void checkSlot(int slot) {
    if (slot < 0 || slot >= slots) {
      throw new IllegalArgumentException(
          program.graph().name() + ": there is no slot " + slot + "; the session has " + slots + " (0 to " + (slots - 1) + ")");
    }
  }

  /** Frees the caches. */
  @Override
  public void close() {
    arena.close();
  }
}
