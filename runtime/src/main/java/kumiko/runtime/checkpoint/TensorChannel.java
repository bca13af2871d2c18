package kumiko.runtime.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.zip.CRC32;

/** Passes on the bytes of one tensor, counts them, and sums them up. */
final class TensorChannel implements WritableByteChannel {
  private final WritableByteChannel target;
  private final TensorSource source;
  private final CRC32 crc = new CRC32();
  private long written;

  private TensorChannel(WritableByteChannel target, TensorSource source) {
    this.target = target;
    this.source = source;
  }

  /**
   * Writes the tensor and returns the CRC-32 of its bytes.
   *
   * @throws IllegalStateException if the source gives more or fewer bytes than its shape and type say
   */
  static long write(TensorSource source, WritableByteChannel target) throws IOException {
    if (source.body() instanceof ZeroBody zeros && target instanceof PieceChannel file) {
      file.skip(zeros.bytes());
      return zeros.crc();
    }
    TensorChannel channel = new TensorChannel(target, source);
    source.body().writeTo(channel);
    if (channel.written != source.bytes()) {
      throw channel.wrongSize();
    }
    return channel.crc.getValue();
  }

  @Override
  public int write(ByteBuffer bytes) throws IOException {
    ByteBuffer copy = bytes.duplicate();
    int count = target.write(bytes);
    written += count;
    if (written > source.bytes()) {
      throw wrongSize();
    }
    crc.update(copy.limit(copy.position() + count));
    return count;
  }

  @Override
  public boolean isOpen() {
    return target.isOpen();
  }

  @Override
  public void close() {
    // The file stays open for the next tensor.
  }

  private IllegalStateException wrongSize() {
    return new IllegalStateException("tensor \"" + source.name() + "\" is " + source.dtype() + " " + source.shape() + ", which takes "
        + source.bytes() + " bytes, but its source gave " + written);
  }
}
