package kumiko.runtime.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

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

  /** The first position from {@code position} on, within what is buffered, that a string of JSON does not simply pass over. */
  long endOfPlain(long position) {
    at(position);
    int i = (int) (position - start);
    while (i < filled && bytes[i] != '"' && bytes[i] != '\\' && (bytes[i] >= ' ' || bytes[i] < 0)) {
      i++;
    }
    return start + i;
  }

  byte[] copy(long from, long to) {
    return from >= start && to <= start + filled
        ? Arrays.copyOfRange(bytes, (int) (from - start), (int) (to - start))
        : source.asSlice(from, to - from).toArray(ValueLayout.JAVA_BYTE);
  }
}
