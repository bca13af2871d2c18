package kumiko.runtime.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The files of one layout in a directory, in order.
 *
 * @param index the index that names them, or null
 */
record CheckpointFiles(List<String> names, CheckpointIndex index) {

  /** Finds every layout that the directory holds, the preferred one first; refuses one with missing files. */
  static List<CheckpointFiles> find(Path directory) {
    List<String> present = list(directory);
    List<CheckpointFiles> found = new ArrayList<>();
    for (CheckpointLayout layout : CheckpointLayout.values()) {
      if (layout.index() == null) {
        List<String> names = present.stream().filter(name -> layout.pattern().matcher(name).matches()).toList();
        if (!names.isEmpty()) {
          proveComplete(directory, layout, names);
          found.add(new CheckpointFiles(names, null));
        }
      } else if (present.contains(layout.index())) {
        found.add(indexed(directory.resolve(layout.index())));
      }
    }
    if (found.isEmpty()) {
      throw nothing(directory, present);
    }
    return found;
  }

  static CheckpointFiles indexed(Path indexPath) {
    CheckpointIndex index = CheckpointIndex.read(indexPath);
    Path directory = indexPath.resolveSibling("");
    List<String> names = index.files().stream().sorted().toList();
    List<String> missing = names.stream().filter(name -> !Files.isRegularFile(directory.resolve(name))).toList();
    if (!missing.isEmpty()) {
      throw incomplete(indexPath, "the index names files that are not beside it: " + String.join(", ", missing));
    }
    return new CheckpointFiles(names, index);
  }

  private static List<String> list(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (IOException problem) {
      throw new CheckpointException(directory + ": the directory cannot be listed (" + problem.getMessage() + ").", problem);
    }
  }

  /** Shards are numbered from 00 without a gap, and every layer has the same ones. */
  private static void proveComplete(Path directory, CheckpointLayout layout, List<String> names) {
    if (!layout.hasShards()) {
      return;
    }
    Map<String, TreeSet<Integer>> shardsOf = new TreeMap<>();
    for (String name : names) {
      Matcher parts = layout.pattern().matcher(name);
      parts.matches();
      String layer = layout.hasLayers() ? parts.group("layer") : "";
      shardsOf.computeIfAbsent(layer, absent -> new TreeSet<>()).add(Integer.parseInt(parts.group("shard")));
    }
    int count = shardsOf.values().stream().mapToInt(shards -> shards.last() + 1).max().orElseThrow();
    String gaps = shardsOf.entrySet().stream()
        .filter(entry -> entry.getValue().size() != count)
        .map(entry -> (layout.hasLayers() ? "layer " + entry.getKey() + " has " : "") + "shards " + entry.getValue())
        .collect(Collectors.joining("; "));
    if (!gaps.isEmpty()) {
      throw incomplete(directory, "shards are missing: there should be " + count + ", numbered from 00, but found " + gaps);
    }
  }

  private static CheckpointException incomplete(Path path, String found) {
    return CheckpointException.of(path, found, "a complete set of files", "Fetch the missing files");
  }

  private static CheckpointException nothing(Path directory, List<String> present) {
    List<String> near = present.stream().filter(name -> name.matches(".*\\.(safetensors|bin|pt|pth|json)")).limit(8).toList();
    String found = near.isEmpty() ? "no file in it looks like one" : "it has " + String.join(", ", near);
    return CheckpointException.of(
        directory,
        "no checkpoint was found in this directory; " + found,
        CheckpointLayout.describe(),
        "Name the directory that holds these files, or one container file itself");
  }
}
