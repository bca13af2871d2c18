package kumiko.runtime.run;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import kumiko.runtime.checkpoint.CheckpointException;
import kumiko.runtime.checkpoint.SafetensorsWriter;
import kumiko.runtime.checkpoint.TensorEntry;
import kumiko.runtime.checkpoint.TensorFile;
import kumiko.runtime.checkpoint.TensorSource;
import kumiko.runtime.graph.Positions;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Shape;

/**
 * A session on disk, as safetensors: {@code slot.{s}.{cache}} of shape {@code [kvHeads, keys, headDim]} and {@code slot.{s}.logits}
 * for every slot that holds a sequence; lengths, positions and the author's notes are in the metadata.
 */
final class SessionFile {
  private static final String FORMAT = "kumiko.session";
  private static final String VERSION = "2";
  private static final String CACHED = "keys and values";
  private static final String NOTE = "note.";
  private static final int MOST_SLOTS = 1 << 16;

  private final Program program;
  private final List<KeyValueCache> caches;
  private final DType activations;
  private final DType cached;

  SessionFile(Program program, List<KeyValueCache> caches) {
    this.program = program;
    this.caches = caches;
    activations = program.activations();
    cached = program.options().kernels().cacheType();
  }

  void write(Path file, SequenceState[] states, IntFunction<MemorySegment> logits, Map<String, String> notes) {
    Map<String, String> metadata = new HashMap<>();
    notes.forEach((key, note) -> metadata.put(NOTE + key, note));
    WeightsMark weights = WeightsMark.of(program);
    metadata.put("format", FORMAT);
    metadata.put("version", VERSION);
    metadata.put("graph", program.fingerprint());
    metadata.put("weight types", weights.types());
    metadata.put("weights", weights.sample());
    metadata.put("activations", activations.toString());
    metadata.put(CACHED, cached.toString());
    metadata.put("slots", Integer.toString(states.length));
    List<TensorSource> tensors = new ArrayList<>();
    for (int s = 0; s < states.length; s++) {
      SequenceState state = states[s];
      metadata.put("slot." + s, state.length + " " + state.start + " " + state.blank);
      if (state.length > 0) {
        for (KeyValueCache cache : caches) {
          tensors.add(TensorSource.of(name(s, cache.name()), cached, shape(cache, state), heads(cache, s, state)));
        }
        tensors.add(TensorSource.of(name(s, "logits"), activations, Shape.of(program.vocab()), List.of(logits.apply(s))));
      }
    }
    SafetensorsWriter.write(file, tensors, metadata);
  }

  /** Fills caches and logits only after everything was found to fit. */
  SequenceState[] read(Path path, int slots, int capacity, MemorySegment[] logits) {
    try (TensorFile file = TensorFile.open(path)) {
      Map<String, String> metadata = file.metadata();
      expectSession(path, metadata);
      expectModel(path, metadata);
      int saved = number(path, "slots", metadata.get("slots"), 0, slots);
      SequenceState[] states = new SequenceState[saved];
      for (int s = 0; s < saved; s++) {
        states[s] = state(path, s, words(path, s, metadata), capacity);
        check(path, file, s, states[s]);
      }
      for (int s = 0; s < saved; s++) {
        copy(file, s, states[s], logits[s]);
      }
      return states;
    }
  }

  static SavedSession describe(Path path) {
    try (TensorFile file = TensorFile.open(path)) {
      Map<String, String> metadata = file.metadata();
      expectSession(path, metadata);
      int slots = number(path, "slots", metadata.get("slots"), 0, MOST_SLOTS);
      List<Integer> lengths = new ArrayList<>();
      for (int s = 0; s < slots; s++) {
        lengths.add(number(path, "the length of slot " + s, words(path, s, metadata)[0], 0, tokens(file)));
      }
      Map<String, String> notes = new HashMap<>();
      metadata.forEach((key, note) -> {
        if (key.startsWith(NOTE)) {
          notes.put(key.substring(NOTE.length()), note);
        }
      });
      return new SavedSession(lengths, notes);
    }
  }

  private static void expectSession(Path path, Map<String, String> metadata) {
    expect(path, "format", FORMAT, metadata.get("format"), "it is not a saved session");
    expect(path, "version", VERSION, metadata.get("version"), "it was saved by another version");
  }

  private void expectModel(Path path, Map<String, String> metadata) {
    expect(path, "graph", program.fingerprint(), metadata.get("graph"), "it was saved with another model");
    WeightsMark weights = WeightsMark.of(program);
    expect(path, "weight types", weights.types(), metadata.get("weight types"), "it was saved with weights stored or quantised otherwise");
    String saved = metadata.get("activations");
    expect(path, "activations", activations.toString(), saved, "it was saved by another arithmetic");
    // Sessions were saved before caches had a type of their own.
    expect(path, CACHED, cached.toString(), metadata.getOrDefault(CACHED, saved), "it was saved by another arithmetic");
    expect(path, "weights", weights.sample(), metadata.get("weights"), "it was saved with other weights of the same architecture");
  }

  /** More tokens than bytes there cannot be: a length that is not true asks for no memory. */
  private static int tokens(TensorFile file) {
    long bytes = file.names().stream().mapToLong(name -> file.entry(name).dtype().bytes(file.entry(name).shape().elements())).sum();
    return (int) Math.min(bytes, Integer.MAX_VALUE);
  }

  private static String[] words(Path path, int slot, Map<String, String> metadata) {
    String text = metadata.get("slot." + slot);
    String[] words = text == null ? new String[0] : text.split(" ", -1);
    if (words.length != 3) {
      throw damaged(path, "slot." + slot + " says \"" + text + "\" instead of length, start and blank");
    }
    return words;
  }

  private SequenceState state(Path path, int slot, String[] words, int capacity) {
    SequenceState state = new SequenceState();
    state.length = number(path, "the length of slot " + slot, words[0], 0, capacity);
    int least = state.length > 0 && program.limits().positions() instanceof Positions.Blocks ? 0 : -1;
    int most = least < 0 ? -1 : state.length - 1;
    state.start = number(path, "the start of slot " + slot, words[1], least, most);
    state.blank = number(path, "the blank of slot " + slot, words[2], least, most);
    return state;
  }

  private void check(Path path, TensorFile file, int slot, SequenceState state) {
    if (state.length == 0) {
      return;
    }
    for (KeyValueCache cache : caches) {
      check(path, file, name(slot, cache.name()), cached, shape(cache, state));
    }
    check(path, file, name(slot, "logits"), activations, Shape.of(program.vocab()));
  }

  private void check(Path path, TensorFile file, String name, DType dtype, Shape wanted) {
    if (!file.contains(name)) {
      throw damaged(path, name + " is missing");
    }
    TensorEntry tensor = file.entry(name);
    if (tensor.dtype() != dtype || !tensor.shape().equals(wanted)) {
      throw damaged(path, name + " is " + tensor.dtype() + " " + tensor.shape() + " where this session needs " + dtype + " " + wanted);
    }
  }

  private void copy(TensorFile file, int slot, SequenceState state, MemorySegment logits) {
    if (state.length == 0) {
      return;
    }
    for (KeyValueCache cache : caches) {
      MemorySegment data = file.tensor(name(slot, cache.name())).data();
      cache.makeRoom(slot, 0, keys(state));
      List<MemorySegment> heads = heads(cache, slot, state);
      for (int h = 0; h < heads.size(); h++) {
        MemorySegment head = heads.get(h);
        MemorySegment.copy(data, h * head.byteSize(), head, 0, head.byteSize());
      }
    }
    logits.copyFrom(file.tensor(name(slot, "logits")).data());
  }

  private List<MemorySegment> heads(KeyValueCache cache, int slot, SequenceState state) {
    List<MemorySegment> heads = new ArrayList<>();
    for (int h = 0; h < cache.kvHeads(); h++) {
      heads.add(cache.data().asSlice(cached.bytes(cache.offset(slot, h)), cached.bytes((long) keys(state) * cache.headDim())));
    }
    return heads;
  }

  private Shape shape(KeyValueCache cache, SequenceState state) {
    return Shape.of(cache.kvHeads(), keys(state), cache.headDim());
  }

  private int keys(SequenceState state) {
    return program.limits().prefix() + state.length;
  }

  private static String name(int slot, String tensor) {
    return "slot." + slot + "." + tensor;
  }

  private static void expect(Path path, String key, String wanted, String found, String meaning) {
    if (!wanted.equals(found)) {
      throw new CheckpointException(path + ": " + meaning + " (" + key + " is " + found + ", this session has " + wanted + ")");
    }
  }

  private static int number(Path path, String what, String text, int least, int most) {
    try {
      int number = Integer.parseInt(text);
      if (number >= least && number <= most) {
        return number;
      }
    } catch (NumberFormatException notOne) {
      throw damaged(path, what + " is \"" + text + "\" instead of a number");
    }
    throw new CheckpointException(path + ": " + what + " is " + text + ", but this session takes " + least + " to " + most
        + "; open a session with more slots or a larger capacity");
  }

  private static CheckpointException damaged(Path path, String problem) {
    return new CheckpointException(path + ": the saved session is damaged: " + problem + "; save it again");
  }
}
