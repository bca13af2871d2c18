package kumiko.runtime.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.List;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Shape;
import kumiko.runtime.tensor.Tensor;

/**
 * A tensor to be written: what it is, and how to produce its bytes (dense, row-major, little endian) when its turn comes, so that a
 * model larger than memory can be written.
 */
public record TensorSource(String name, DType dtype, Shape shape, Body body) {
  private static final long CHUNK_BYTES = 64L << 20;

  /** Produces the bytes of one tensor; called once for each time that the tensor is written. */
  @FunctionalInterface
  public interface Body {
    void writeTo(WritableByteChannel channel) throws IOException;
  }

  /** A tensor as it lies in memory or in a mapped file. */
  public static TensorSource of(String name, Tensor tensor) {
    return of(name, tensor.dtype(), tensor.shape(), List.of(tensor.data()));
  }

  /** A tensor whose bytes are these stretches of memory, one after the other. */
  public static TensorSource of(String name, DType dtype, Shape shape, List<MemorySegment> parts) {
    List<MemorySegment> all = List.copyOf(parts);
    return new TensorSource(name, dtype, shape, channel -> {
      for (MemorySegment part : all) {
        write(part, channel);
      }
    });
  }

  /** A tensor of zeros, which takes no room on file systems that know holes. */
  public static TensorSource zeros(String name, DType dtype, Shape shape) {
    return new TensorSource(name, dtype, shape, new ZeroBody(dtype.bytes(shape.elements())));
  }

  public long bytes() {
    return dtype.bytes(shape.elements());
  }

  private static void write(MemorySegment part, WritableByteChannel channel) throws IOException {
    for (long at = 0; at < part.byteSize(); at += CHUNK_BYTES) {
      ByteBuffer chunk = part.asSlice(at, Math.min(CHUNK_BYTES, part.byteSize() - at)).asByteBuffer();
      while (chunk.hasRemaining()) {
        channel.write(chunk);
      }
    }
  }
}
