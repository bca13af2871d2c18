package kumiko.runtime.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.tensor.Tensor;

/**
 * A published checkpoint: a directory with its container files, or one such file. Files are opened when they are first asked for, and
 * only their headers are read. All methods may be called by several threads; {@link #close()} ends the life of every tensor taken from
 * it.
 *
 * <p>Where every tensor has one place (one file, or shards with an index), {@link #tensor(String)} finds it by its name alone. Files of
 * a tensor-parallel model use the same names again; there one asks {@link #file(String)}.
 */
public final class Checkpoint implements AutoCloseable {
  private final Path path;
  private final Path directory;
  private final List<CheckpointFiles> groups;
  private final List<String> files;
  private final Map<String, TensorFile> opened = new LinkedHashMap<>();
  private Map<String, TensorFile> places;
  private boolean closed;

  private Checkpoint(Path path, Path directory, List<CheckpointFiles> groups) {
    this.path = path;
    this.directory = directory;
    this.groups = groups;
    this.files = groups.stream().flatMap(group -> group.names().stream()).distinct().toList();
  }

  /**
   * Opens a directory, an index file ({@code *.index.json}), or one container file. No container file is read yet.
   *
   * @throws CheckpointException if there is no checkpoint, or some of its files are missing
   */
  public static Checkpoint open(Path path) {
    if (Files.isDirectory(path)) {
      return new Checkpoint(path, path, CheckpointFiles.find(path));
    }
    Path directory = path.resolveSibling("");
    String name = String.valueOf(path.getFileName());
    if (name.endsWith(".index.json")) {
      return new Checkpoint(path, directory, List.of(CheckpointFiles.indexed(path)));
    }
    if (!Files.exists(path)) {
      throw new CheckpointException(
          path + ": there is no such file or directory. Expected: a checkpoint. Check the path for a typing mistake.");
    }
    return new Checkpoint(path, directory, List.of(new CheckpointFiles(List.of(name), null)));
  }

  public Path path() {
    return path;
  }

  /** The names of all container files, in order; where a directory holds several layouts, those of the preferred one come first. */
  public List<String> files() {
    return files;
  }

  /**
   * One container file, opened at the first call. A shard is compared with its index.
   *
   * @throws CheckpointException if it is not a file of this checkpoint, is damaged, or does not agree with the index
   */
  public synchronized TensorFile file(String name) {
    if (closed) {
      throw new CheckpointException(path + ": the file " + name + " was asked for after the checkpoint was closed. Keep it open.");
    }
    TensorFile file = opened.get(name);
    if (file == null) {
      if (!files.contains(name)) {
        throw new CheckpointException(
            path + ": there is no checkpoint file \"" + name + "\" in it, but " + String.join(", ", files.stream().limit(8).toList())
                + (files.size() > 8 ? ", ..." : "") + ". Use one of these.");
      }
      file = openFile(name);
      opened.put(name, file);
    }
    return file;
  }

  /**
   * All tensor names of the preferred layout, file by file.
   *
   * @throws CheckpointException if names come again in other files, as in tensor-parallel checkpoints
   */
  public List<String> names() {
    return List.copyOf(places().keySet());
  }

  public boolean contains(String name) {
    return places().containsKey(name);
  }

  /** The container file that holds a tensor of the preferred layout. */
  public TensorFile fileOf(String name) {
    TensorFile file = places().get(name);
    if (file == null) {
      throw new CheckpointException(
          path + ": none of its " + places().size() + " tensors is named \"" + name + "\". Use a name that the checkpoint lists.");
    }
    return file;
  }

  public TensorEntry entry(String name) {
    return fileOf(name).entry(name);
  }

  public Tensor tensor(String name) {
    return fileOf(name).tensor(name);
  }

  @Override
  public synchronized void close() {
    closed = true;
    opened.values().forEach(TensorFile::close);
  }

  private TensorFile openFile(String name) {
    TensorFile file = TensorFile.open(directory.resolve(name));
    try {
      for (CheckpointFiles group : groups) {
        if (group.index() != null && group.names().contains(name)) {
          group.index().prove(name, file);
        }
      }
      return file;
    } catch (RuntimeException problem) {
      file.close();
      throw problem;
    }
  }

  private synchronized Map<String, TensorFile> places() {
    if (places == null) {
      Map<String, TensorFile> found = new LinkedHashMap<>();
      List<String> repeated = new ArrayList<>();
      for (String fileName : groups.getFirst().names()) {
        TensorFile file = file(fileName);
        for (String name : file.names()) {
          if (found.putIfAbsent(name, file) != null) {
            repeated.add(name);
          }
        }
      }
      if (!repeated.isEmpty()) {
        throw new CheckpointException(
            path + ": " + repeated.size() + " tensor names (\"" + repeated.getFirst() + "\" first) come in several of its "
                + groups.getFirst().names().size() + " files, as in a checkpoint split for tensor parallelism. Expected: every name once."
                + " Ask for tensors file by file, or use a map that merges the shards.");
      }
      places = Collections.unmodifiableMap(found);
    }
    return places;
  }
}
