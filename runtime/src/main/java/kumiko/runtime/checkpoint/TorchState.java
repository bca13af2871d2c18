package kumiko.runtime.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The content of a pickle as a flat table: nested dictionaries and lists give names joined by dots, so the weights of {@code {"module":
 * {...}}} are {@code module.*}. Numbers and text beside the tensors become metadata.
 */
final class TorchState {
  private static final int MAX_DEPTH = 32;
  private static final int MAX_NAME = 1024;
  private static final long MAX_NAME_CHARACTERS = 64L << 20;

  /** A dictionary may be shared, but not so often that a small file unfolds into a huge table. */
  private static final long MAX_VISITS = 4_000_000;

  private final MappedFile file;
  private final Map<String, TorchTensor> tensors = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private long visits;
  private long nameCharacters;

  private TorchState(MappedFile file) {
    this.file = file;
  }

  static TorchState of(MappedFile file, Object root) {
    if (!(root instanceof Map<?, ?> dict)) {
      throw CheckpointException.of(
          file.path(),
          "it holds " + Unpickler.describe(root),
          "a dictionary that names its tensors",
          "Save the model's state_dict with torch.save");
    }
    TorchState state = new TorchState(file);
    state.dictionary("", dict, 0);
    return state;
  }

  Map<String, TorchTensor> tensors() {
    return tensors;
  }

  Map<String, String> metadata() {
    return metadata;
  }

  private void dictionary(String prefix, Map<?, ?> dict, int depth) {
    for (Map.Entry<?, ?> field : dict.entrySet()) {
      value(prefix + field.getKey(), field.getValue(), depth + 1);
    }
  }

  private void items(String prefix, List<?> items, int depth) {
    for (int i = 0; i < items.size(); i++) {
      value(prefix + i, items.get(i), depth + 1);
    }
  }

  private void value(String name, Object value, int depth) {
    nameCharacters += name.length();
    if (depth > MAX_DEPTH || name.length() > MAX_NAME || ++visits > MAX_VISITS || nameCharacters > MAX_NAME_CHARACTERS) {
      throw file.damaged(
          "its dictionaries unfold into too much at \"" + name.substring(0, Math.min(80, name.length())) + "\"",
          "at most " + MAX_DEPTH + " levels, " + MAX_VISITS + " values, and names of " + MAX_NAME + " characters");
    }
    switch (value) {
      case TorchTensor tensor -> add(tensors, name, tensor);
      case Map<?, ?> dict -> dictionary(name + ".", dict, depth);
      case List<?> list -> items(name + ".", list, depth);
      case PickleTuple tuple -> items(name + ".", tuple.items(), depth);
      case String text -> add(metadata, name, text);
      case Number number -> add(metadata, name, number.toString());
      case Boolean flag -> add(metadata, name, flag.toString());
      // A bare type, a storage without a tensor, or None: not a weight.
      case null, default -> {
      }
    }
  }

  private <T> void add(Map<String, T> table, String name, T value) {
    if (table.putIfAbsent(name, value) != null) {
      throw file.damaged("the name \"" + name + "\" comes twice once dictionaries are joined by dots", "every name once");
    }
  }
}
