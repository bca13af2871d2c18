package kumiko.runtime.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Reads bytes of mapped memory one by one through a small buffer. Checked access to a segment is slow until it is compiled, and headers
 * are read once, before anything is.
 */
final class ByteWindow {
  private static final int BYTES = 1 << 16;

  private final MemorySegment source;
  private final byte[] bytes;
  private long start;
  private int filled;

  ByteWindow(MemorySegment source) {
    this.source = source;
    this.bytes = new byte[(int) Math.min(BYTES, source.byteSize())];
  }

  /** The byte at a position inside the source, 0 to 255. */
  int at(long position) {
    long index = position - start;
    if (index < 0 || index >= filled) {
      start = position;
      filled = (int) Math.min(bytes.length, source.byteSize() - position);
      MemorySegment.copy(source, ValueLayout.JAVA_BYTE, position, bytes, 0, filled);
      index = 0;
    }
    return Byte.toUnsignedInt(bytes[(int) index]);
  }
}
