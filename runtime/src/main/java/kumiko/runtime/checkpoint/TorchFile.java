package kumiko.runtime.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import kumiko.runtime.tensor.Tensor;

/**
 * A file written by {@code torch.save}: the zip format, or the one before torch 1.6. Dense tensors are views of the mapping; strided
 * views of a storage are copied once when they are asked for.
 */
public final class TorchFile implements TensorFile {
  private final MappedFile file;
  private final TensorTable tensors;
  private final Map<String, String> metadata;

  private TorchFile(MappedFile file, TorchState state, StorageTable storages) {
    this.file = file;
    List<TensorEntry> entries = new ArrayList<>();
    state.tensors().forEach((name, tensor) -> entries.add(storages.entry(name, tensor)));
    this.tensors = new TensorTable(file, entries);
    this.metadata = Collections.unmodifiableMap(state.metadata());
  }

  static TorchFile zip(MappedFile file) {
    TorchArchive archive = TorchArchive.of(file);
    return new TorchFile(file, TorchState.of(file, archive.root()), new StorageTable(file, archive::storage));
  }

  static TorchFile legacy(MappedFile file) {
    LegacyTorch legacy = LegacyTorch.read(file);
    return new TorchFile(file, TorchState.of(file, legacy.root()), new StorageTable(file, legacy::storage));
  }

  @Override
  public Path path() {
    return file.path();
  }

  @Override
  public List<String> names() {
    return tensors.names();
  }

  @Override
  public boolean contains(String name) {
    return tensors.contains(name);
  }

  @Override
  public TensorEntry entry(String name) {
    return tensors.entry(name);
  }

  @Override
  public Tensor tensor(String name) {
    return tensors.tensor(name);
  }

  @Override
  public Map<String, String> metadata() {
    return metadata;
  }

  @Override
  public void close() {
    file.close();
  }
}
