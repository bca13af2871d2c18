package kumiko.runtime.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * Writes files that {@code torch.load} reads, also with {@code weights_only=True}: an OrderedDict of tensors, each with a storage of
 * its own.
 */
public final class TorchWriter {
  private TorchWriter() {}

  /** Writes the dictionary itself, as {@code torch.save(model.state_dict(), file)} does. */
  public static void write(Path file, List<TensorSource> tensors) {
    write(file, List.of(), tensors);
  }

  /**
   * Writes the dictionary inside others, as training programs do: {@code List.of("module")} gives {@code {"module": {...}}}.
   *
   * @throws CheckpointException if the file cannot be written
   * @throws IllegalArgumentException if a name comes twice or a type is none of PyTorch's
   */
  public static void write(Path file, List<String> parents, List<TensorSource> tensors) {
    prove(tensors);
    String top = file.getFileName().toString().replaceFirst("\\.[^.]*$", "");
    try (AtomicFile target = AtomicFile.create(file)) {
      target.write(channel -> write(channel, top.isEmpty() ? "archive" : top, parents, tensors));
      target.commit();
    }
  }

  private static void write(PieceChannel channel, String top, List<String> parents, List<TensorSource> tensors) throws IOException {
    ZipOutput zip = new ZipOutput(channel);
    entry(zip, top + "/data.pkl", PickleOutput.stateDict(parents, tensors));
    entry(zip, top + "/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
    for (int i = 0; i < tensors.size(); i++) {
      TensorSource tensor = tensors.get(i);
      zip.entry(top + "/data/" + i, tensor.bytes(), to -> TensorChannel.write(tensor, to));
    }
    entry(zip, top + "/version", "3\n".getBytes(StandardCharsets.US_ASCII));
    zip.end();
  }

  private static void entry(ZipOutput zip, String name, byte[] bytes) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(bytes);
    zip.entry(name, bytes.length, channel -> {
      channel.write(ByteBuffer.wrap(bytes));
      return crc.getValue();
    });
  }

  private static void prove(List<TensorSource> tensors) {
    Set<String> names = new HashSet<>();
    for (TensorSource tensor : tensors) {
      if (!names.add(tensor.name())) {
        throw new IllegalArgumentException("the name \"" + tensor.name() + "\" comes twice");
      }
      if (TorchTypes.name(tensor.dtype()).isEmpty()) {
        throw new IllegalArgumentException("tensor \"" + tensor.name() + "\" is " + tensor.dtype() + ", which PyTorch lacks");
      }
    }
  }
}
