package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import kumiko.runtime.machine.LazyMemory;

/**
 * Sequences in the middle of being written: a slot for each, with its key/value cache and its positions.
 *
 * <pre>{@code
 * try (Session session = program.open(2, 1024)) {
 *   session.prefill(0, promptIds);
 *   int next = session.sample(0, Sampler.greedy());
 *   while (next != endOfText) {
 *     session.decode(0, next);
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
  private final Arena arena;
  private final Machine machine;
  private final Call call;
  private final Intake intake;
  private final SequenceState[] states;
  private final MemorySegment[] logits;
  private final MemorySegment[] readableLogits;
  private final boolean[] hasLogits;
  private final int[][] oneToken;

  Session(Program program, Arena arena, int slots, int capacity) {
    this.program = program;
    this.arena = arena;
    this.slots = slots;
    this.capacity = capacity;
    Limits limits = program.limits();
    call = new Call(arena, mostRows(program, slots, capacity), slots, limits.masks());
    machine = new Machine(program, arena, call, slots, Math.addExact(capacity, limits.prefix()));
    states = Stream.generate(SequenceState::new).limit(slots).toArray(SequenceState[]::new);
    intake = new Intake(program, call, machine, states, capacity);
    logits = new MemorySegment[slots];
    readableLogits = new MemorySegment[slots];
    hasLogits = new boolean[slots];
    oneToken = new int[slots][1];
    long bytes = program.activations().bytes(program.vocab());
    for (int s = 0; s < slots; s++) {
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
      intake.accept(slot, ids);
      advance(sink);
    } finally {
      intake.clear();
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
          intake.accept(s, prompts[s]);
        }
      }
      advance(null);
    } finally {
      intake.clear();
    }
  }

  /**
   * One more token for each slot, or {@link #SKIP}. Reads the weights once for all of them and allocates nothing.
   *
   * @param tokens as many as there are slots
   *
   * @throws IllegalArgumentException as {@link #prefill(int, int...)}, and when a slot has no prompt yet
   */
  public void decode(int[] tokens) {
    if (tokens.length != slots) {
      throw new IllegalArgumentException(
          program.graph().name() + ": " + tokens.length + " tokens for " + slots + " slots; give Session.SKIP for a slot to skip");
    }
    try {
      for (int s = 0; s < slots; s++) {
        if (tokens[s] != SKIP) {
          acceptToken(s, tokens[s]);
        }
      }
      advance(null);
    } finally {
      intake.clear();
    }
  }

  /** One more token for one slot. */
  public void decode(int slot, int token) {
    checkSlot(slot);
    try {
      acceptToken(slot, token);
      advance(null);
    } finally {
      intake.clear();
    }
  }

  private void acceptToken(int slot, int token) {
    if (states[slot].length == 0) {
      throw new IllegalArgumentException(program.graph().name() + ": slot " + slot + " has no prompt yet; prefill it before decoding");
    }
    oneToken[slot][0] = token;
    intake.accept(slot, oneToken[slot]);
  }

  /** Runs calls until nothing is pending. */
  private void advance(LogitsSink sink) {
    boolean everyRow = sink != null || machine.isObserved();
    boolean more = true;
    try {
      while (more) {
        more = intake.fill(everyRow);
        machine.run();
        deliver(sink);
      }
    } catch (RuntimeException | Error interrupted) {
      // A listener threw: these sequences have rows in their caches that were never finished.
      for (int s = 0; s < slots; s++) {
        if (intake.isGiven(s)) {
          clear(s);
        }
      }
      throw interrupted;
    }
  }

  private void deliver(LogitsSink sink) {
    long bytes = program.activations().bytes(program.vocab());
    for (int q = 0; q < call.sequences; q++) {
      int slot = call.slot[q];
      if (intake.isTaken(slot)) {
        MemorySegment.copy(machine.output.data(), intake.pickedRow(slot) * bytes, logits[slot], 0, bytes);
        hasLogits[slot] = true;
      }
      for (int i = 0; i < call.count[q] && sink != null; i++) {
        MemorySegment row = machine.output.data().asSlice((intake.pickedRow(slot) - call.count[q] + 1 + i) * bytes, bytes);
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

  /**
   * Writes lengths, positions, caches and last logits of all slots to a safetensors file, complete or not at all.
   *
   * @throws kumiko.runtime.checkpoint.CheckpointException if the file cannot be written
   */
  public void save(Path file) {
    save(file, Map.of());
  }

  /** As {@link #save(Path)}, with notes that {@link SavedSession} gives back. */
  public void save(Path file, Map<String, String> notes) {
    new SessionFile(program, machine.caches()).write(file, states, this::logitsOrNull, notes);
  }

  /**
   * Goes on where a saved session was: its slots take the place of the first slots of this one, the others are emptied. The saved session
   * may have had fewer slots and another capacity.
   *
   * @throws kumiko.runtime.checkpoint.CheckpointException if the file is damaged, of another graph or type or of other weights, as far as
   *     their types, vectors and first and last rows tell, or its sequences do not fit into this session; nothing was changed then
   */
  public void restore(Path file) {
    SequenceState[] saved = new SessionFile(program, machine.caches()).read(file, slots, capacity, logits);
    for (int s = 0; s < slots; s++) {
      states[s].set(s < saved.length ? saved[s] : new SequenceState());
      hasLogits[s] = states[s].length > 0;
    }
  }

  private MemorySegment logitsOrNull(int slot) {
    return hasLogits[slot] ? readableLogits[slot] : null;
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

  /** What the keys and values of all slots take, whether used yet or not. */
  public long cacheBytes() {
    return machine.caches().stream().mapToLong(cache -> cache.data().byteSize()).sum();
  }

  /** The stretches of memory that values lie in. */
  Collection<MemorySegment> workingMemory() {
    return machine.workingMemory();
  }

  /** Frees the caches. */
  @Override
  public void close() {
    arena.close();
  }
}
