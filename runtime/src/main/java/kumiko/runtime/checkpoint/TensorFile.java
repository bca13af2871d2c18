package kumiko.runtime.checkpoint;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import kumiko.runtime.tensor.Tensor;

/**
 * One container file of named tensors, mapped into memory. Opening reads and proves the header only: every name, type, shape and place
 * is known and lies inside the file before a byte of data is touched. All methods may be called by several threads; {@link #close()}
 * ends the life of every tensor taken from the file.
 */
public sealed interface TensorFile extends AutoCloseable permits SafetensorsFile, TorchFile {

  /**
   * Opens a safetensors file, or a PyTorch file ({@code .pt}, {@code .pth}, {@code .bin}; the zip format or the one before torch 1.6).
   * The content decides, not the name.
   *
   * @throws CheckpointException if the file is absent, of no known format, damaged, or asks for anything but tensors
   */
  static TensorFile open(Path path) {
    return ContainerFormat.open(path);
  }

  Path path();

  /** The tensor names in the order in which the file lists them. */
  List<String> names();

  boolean contains(String name);

  /**
   * Type, shape and place of a tensor.
   *
   * @throws CheckpointException if there is none of this name
   */
  TensorEntry entry(String name);

  /**
   * The tensor as a view of the mapped file, or, where the file holds a strided view, as a copy made once off the heap.
   *
   * @throws CheckpointException if there is none of this name, or the file was closed
   */
  Tensor tensor(String name);

  /** Texts stored beside the tensors: {@code __metadata__} of safetensors, numbers and strings of a PyTorch training checkpoint. */
  Map<String, String> metadata();

  @Override
  void close();
}
