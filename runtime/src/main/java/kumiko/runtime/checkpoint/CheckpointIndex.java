package kumiko.runtime.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The index beside the shards of a checkpoint: {@code {"metadata": {...}, "weight_map": {"NAME": "FILE", ...}}}. Its {@code total_size}
 * is not used, because published ones count tied weights once or twice.
 */
record CheckpointIndex(Path path, Map<String, String> weightMap) {
  static CheckpointIndex read(Path path) {
    Map<String, String> weights = new LinkedHashMap<>();
    try (MappedFile file = MappedFile.open(path)) {
      JsonReader json = new JsonReader(path, "index", file.slice(0, file.size()));
      boolean[] found = {false};
      json.object(
          key -> {
            if (key.equals("weight_map")) {
              found[0] = true;
              json.object(name -> weights.put(name, fileName(json)));
            } else {
              json.skip();
            }
          });
      json.end();
      if (!found[0]) {
        throw file.damaged("it has no weight_map", "a weight_map that names the file of each tensor");
      }
    }
    return new CheckpointIndex(path, Collections.unmodifiableMap(weights));
  }

  private static String fileName(JsonReader json) {
    String name = json.string();
    if (name.isEmpty() || name.equals("..") || name.indexOf('/') >= 0 || name.indexOf('\\') >= 0 || name.indexOf('\0') >= 0) {
      throw json.problemAt(json.position(), "the file name \"" + name + "\"", "the name of a file in the same directory");
    }
    return name;
  }

  Set<String> files() {
    return new LinkedHashSet<>(weightMap.values());
  }

  /** Refuses a shard whose tensors are not exactly those that the index places there. */
  void prove(String fileName, TensorFile file) {
    Set<String> expected = new LinkedHashSet<>();
    weightMap.forEach(
        (name, place) -> {
          if (place.equals(fileName)) {
            expected.add(name);
          }
        });
    List<String> problems = new ArrayList<>();
    tell(problems, expected.stream().filter(name -> !file.contains(name)).toList(), "lacks");
    tell(problems, file.names().stream().filter(name -> !expected.contains(name)).toList(), "has, against the index,");
    if (!problems.isEmpty()) {
      throw CheckpointException.of(
          file.path(),
          "it " + String.join(" and ", problems),
          "exactly the tensors that " + path.getFileName() + " places in it",
          "The index and the shard come from different versions: fetch both again");
    }
  }

  private static void tell(List<String> problems, List<String> names, String verb) {
    if (!names.isEmpty()) {
      String shown = names.stream().limit(3).collect(Collectors.joining("\", \"", "\"", "\""));
      problems.add(verb + " " + names.size() + " tensors (" + shown + (names.size() > 3 ? ", ..." : "") + ")");
    }
  }
}
