package kumiko.runtime.checkpoint;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import kumiko.runtime.tensor.Tensor;

/** The tensors of one mapped file by name: what every container format has in common once its header is read. */
final class TensorTable {
  private static final int SHOWN_NAMES = 3;

  private final MappedFile file;
  private final Map<String, TensorEntry> entries = new LinkedHashMap<>();
  private final List<String> names;
  private final Map<String, Tensor> copies = new ConcurrentHashMap<>();

  TensorTable(MappedFile file, Collection<TensorEntry> all) {
    this.file = file;
    for (TensorEntry entry : all) {
      entries.put(entry.name(), entry);
    }
    names = List.copyOf(entries.keySet());
  }

  List<String> names() {
    return names;
  }

  boolean contains(String name) {
    return entries.containsKey(name);
  }

  TensorEntry entry(String name) {
    TensorEntry entry = entries.get(name);
    if (entry == null) {
      String some = String.join(", ", names.subList(0, Math.min(SHOWN_NAMES, names.size())));
      String found = names.isEmpty() ? "no tensors" : names.size() + " others (" + some + (names.size() > SHOWN_NAMES ? ", ...)" : ")");
      throw new CheckpointException(
          file.path() + ": there is no tensor named \"" + name + "\" in it, but " + found + ". Use a name that the file lists.");
    }
    return entry;
  }

  Tensor tensor(String name) {
    TensorEntry entry = entry(name);
    if (file.isClosed()) {
      throw new CheckpointException(file.path() + ": tensor \"" + name + "\" was asked for after the file was closed. Keep it open.");
    }
    return entry.isContiguous() ? view(entry) : copies.computeIfAbsent(name, absent -> StridedCopy.of(file, entry));
  }

  private Tensor view(TensorEntry entry) {
    return new Tensor(entry.dtype(), entry.shape(), file.slice(entry.position(), entry.bytes()));
  }
}
