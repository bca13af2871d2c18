package kumiko.runtime.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** Nothing but zeros. In a file they are left out, so that a file system which knows holes stores none of them. */
record ZeroBody(long bytes) implements TensorSource.Body {
  private static final int CHUNK = 1 << 16;

  /** The CRC-32 polynomial, bits reversed; ISO 3309. */
  private static final int POLYNOMIAL = 0xedb88320;

  @Override
  public void writeTo(WritableByteChannel channel) throws IOException {
    ByteBuffer zeros = ByteBuffer.allocate(CHUNK);
    for (long left = bytes; left > 0;) {
      left -= channel.write(zeros.clear().limit((int) Math.min(CHUNK, left)));
    }
  }

  /** The CRC-32 of the zeros, by squaring the linear map that one zero byte is on the register. */
  long crc() {
    int[] step = new int[32];
    for (int bit = 0; bit < 32; bit++) {
      step[bit] = afterOneByte(1 << bit);
    }
    int register = -1;
    for (long left = bytes; left > 0; left >>>= 1) {
      if ((left & 1) != 0) {
        register = apply(step, register);
      }
      step = square(step);
    }
    return Integer.toUnsignedLong(~register);
  }

  private static int afterOneByte(int register) {
    int state = register;
    for (int i = 0; i < 8; i++) {
      state = (state & 1) != 0 ? (state >>> 1) ^ POLYNOMIAL : state >>> 1;
    }
    return state;
  }

  private static int apply(int[] map, int register) {
    int result = 0;
    for (int bit = 0; bit < 32; bit++) {
      if ((register & (1 << bit)) != 0) {
        result ^= map[bit];
      }
    }
    return result;
  }

  private static int[] square(int[] map) {
    int[] twice = new int[32];
    for (int bit = 0; bit < 32; bit++) {
      twice[bit] = apply(map, map[bit]);
    }
    return twice;
  }
}
