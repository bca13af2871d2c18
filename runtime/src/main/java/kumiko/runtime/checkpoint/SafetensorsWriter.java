package kumiko.runtime.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Writes safetensors files. The header names the tensors in the order given; their data lie by falling element width, so that every
 * tensor is aligned, as the safetensors library does. The header is padded with blanks so that data begin at a multiple of {@value #ALIGNMENT}
 * bytes, where that library pads it to 8: rows that begin in the middle of a cache line are read as two.
 */
public final class SafetensorsWriter {
  /** A cache line. */
  private static final int ALIGNMENT = 64;

  private SafetensorsWriter() {}

  /**
   * Writes one file, complete or not at all.
   *
   * @throws CheckpointException if the file cannot be written
   * @throws IllegalArgumentException if a name comes twice or a type is not of the format
   */
  public static void write(Path file, List<TensorSource> tensors, Map<String, String> metadata) {
    byte[] header = header(tensors, metadata);
    try (AtomicFile target = AtomicFile.create(file)) {
      target.write(channel -> write(channel, header, tensors));
      target.commit();
    }
  }

  static byte[] header(List<TensorSource> tensors, Map<String, String> metadata) {
    prove(tensors);
    Map<String, Long> begins = new HashMap<>();
    long end = 0;
    for (TensorSource tensor : dataOrder(tensors)) {
      begins.put(tensor.name(), end);
      end += tensor.bytes();
    }
    List<String> fields = new ArrayList<>();
    if (!metadata.isEmpty()) {
      List<String> texts = new ArrayList<>();
      new TreeMap<>(metadata).forEach((key, text) -> texts.add(JsonEscapes.quote(key) + ":" + JsonEscapes.quote(text)));
      fields.add(JsonEscapes.quote(SafetensorsHeader.METADATA_KEY) + ":{" + String.join(",", texts) + "}");
    }
    tensors.forEach(tensor -> fields.add(field(tensor, begins.get(tensor.name()))));
    StringBuilder json = new StringBuilder("{").append(String.join(",", fields)).append('}');
    int bytes = json.toString().getBytes(StandardCharsets.UTF_8).length;
    return json.repeat(" ", -(Long.BYTES + bytes) & (ALIGNMENT - 1)).toString().getBytes(StandardCharsets.UTF_8);
  }

  static void write(PieceChannel channel, byte[] header, List<TensorSource> tensors) throws IOException {
    ByteBuffer start = ByteBuffer.allocate(Long.BYTES + header.length).order(ByteOrder.LITTLE_ENDIAN);
    start.putLong(header.length).put(header).flip();
    channel.write(start);
    for (TensorSource tensor : dataOrder(tensors)) {
      TensorChannel.write(tensor, channel);
    }
  }

  static void prove(List<TensorSource> tensors) {
    Set<String> names = new HashSet<>();
    for (TensorSource tensor : tensors) {
      if (!names.add(tensor.name()) || tensor.name().equals(SafetensorsHeader.METADATA_KEY)) {
        throw new IllegalArgumentException("the name \"" + tensor.name() + "\" cannot be written: it comes twice or is reserved");
      }
      if (!SafetensorsTypes.isWritable(tensor.dtype())) {
        throw new IllegalArgumentException("tensor \"" + tensor.name() + "\" is " + tensor.dtype() + "; safetensors files have "
            + SafetensorsTypes.known());
      }
    }
  }

  private static List<TensorSource> dataOrder(List<TensorSource> tensors) {
    return tensors.stream().sorted(Comparator.comparingInt((TensorSource tensor) -> -tensor.dtype().blockBytes())).toList();
  }

  private static String field(TensorSource tensor, long begin) {
    String shape = tensor.shape().toString().replace(" ", "");
    return JsonEscapes.quote(tensor.name()) + ":{\"dtype\":\"" + tensor.dtype() + "\",\"shape\":" + shape + ",\"data_offsets\":[" + begin
        + "," + (begin + tensor.bytes()) + "]}";
  }
}
