package kumiko.runtime.checkpoint;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Writes a model as safetensors shards {@code model-00001-of-0000N.safetensors} with {@code model.safetensors.index.json}, or as
 * {@code model.safetensors} alone where one file is enough. All files get their names when all are written, the index last.
 */
public final class ShardWriter {
  private ShardWriter() {}

  /**
   * Fills shards in the order given; a tensor larger than a shard gets one of its own.
   *
   * @param maxShardBytes the most bytes of tensor data in one file
   * @return the names of the files written, the index last
   * @throws CheckpointException if a file cannot be written
   */
  public static List<String> write(Path directory, List<TensorSource> tensors, Map<String, String> metadata, long maxShardBytes) {
    if (maxShardBytes <= 0) {
      throw new IllegalArgumentException("a shard of at most " + maxShardBytes + " bytes holds nothing");
    }
    SafetensorsWriter.prove(tensors);
    List<List<TensorSource>> shards = divide(tensors, maxShardBytes);
    if (shards.size() == 1) {
      SafetensorsWriter.write(directory.resolve("model.safetensors"), tensors, metadata);
      return List.of("model.safetensors");
    }
    return write(directory, shards, metadata);
  }

  private static List<String> write(Path directory, List<List<TensorSource>> shards, Map<String, String> metadata) {
    List<String> names = new ArrayList<>();
    for (int i = 1; i <= shards.size(); i++) {
      names.add(String.format("model-%05d-of-%05d.safetensors", i, shards.size()));
    }
    List<AtomicFile> files = new ArrayList<>();
    try {
      for (int i = 0; i < shards.size(); i++) {
        List<TensorSource> shard = shards.get(i);
        files.add(AtomicFile.create(directory.resolve(names.get(i))));
        files.getLast().write(channel -> SafetensorsWriter.write(channel, SafetensorsWriter.header(shard, metadata), shard));
      }
      byte[] index = index(shards, names).getBytes(StandardCharsets.UTF_8);
      names.add(CheckpointLayout.SAFETENSORS_SHARDS.index());
      files.add(AtomicFile.create(directory.resolve(names.getLast())));
      files.getLast().write(channel -> channel.write(ByteBuffer.wrap(index)));
      files.forEach(AtomicFile::commit);
    } finally {
      files.forEach(AtomicFile::close);
    }
    return names;
  }

  private static List<List<TensorSource>> divide(List<TensorSource> tensors, long maxShardBytes) {
    List<List<TensorSource>> shards = new ArrayList<>(List.of(new ArrayList<>()));
    long filled = 0;
    for (TensorSource tensor : tensors) {
      if (!shards.getLast().isEmpty() && tensor.bytes() > maxShardBytes - filled) {
        shards.add(new ArrayList<>());
        filled = 0;
      }
      shards.getLast().add(tensor);
      filled += tensor.bytes();
    }
    return shards;
  }

  private static String index(List<List<TensorSource>> shards, List<String> names) {
    long total = 0;
    List<String> places = new ArrayList<>();
    for (int i = 0; i < shards.size(); i++) {
      for (TensorSource tensor : shards.get(i)) {
        total += tensor.bytes();
        places.add("    " + JsonEscapes.quote(tensor.name()) + ": " + JsonEscapes.quote(names.get(i)));
      }
    }
    return "{\n  \"metadata\": {\n    \"total_size\": " + total + "\n  },\n  \"weight_map\": {\n" + String.join(",\n", places)
        + "\n  }\n}\n";
  }
}
