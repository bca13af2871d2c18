package kumiko.runtime.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import kumiko.runtime.tensor.Tensor;

/** A safetensors file. Its tensors are dense, so each is a view of the mapping. */
public final class SafetensorsFile implements TensorFile {
  private final MappedFile file;
  private final TensorTable tensors;
  private final Map<String, String> metadata;

  private SafetensorsFile(MappedFile file, SafetensorsHeader header) {
    this.file = file;
    this.tensors = new TensorTable(file, header.entries());
    this.metadata = header.metadata();
  }

  static SafetensorsFile of(MappedFile file) {
    return new SafetensorsFile(file, SafetensorsHeader.read(file));
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
