package kumiko.runtime.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import kumiko.runtime.tensor.Elements;

/**
 * Numbers in native memory, named by address through one segment that spans it all: mapped files, arenas and slices would each bring their
 * own class and their own bounds and liveness checks into every inner loop. The owner of the memory keeps it alive during a call, and the
 * public operations have checked the shapes before.
 */
final class Memory {
  static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private static final MemorySegment ZEROS = Arena.global().allocate(1 << 14);
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);

  private Memory() {}

  static float get(long address) {
    return ALL.get(FLOAT, address);
  }

  static void set(long address, float value) {
    ALL.set(FLOAT, address, value);
  }

  static int getInt(long address) {
    return ALL.get(INT, address);
  }

  static byte getI8(long address) {
    return ALL.get(ValueLayout.JAVA_BYTE, address);
  }

  static float getBf16(long address) {
    return Float.intBitsToFloat(ALL.get(SHORT, address) << 16);
  }

  static float getF16(long address) {
    return Float.float16ToFloat(ALL.get(SHORT, address));
  }

  /** Copies {@code n} numbers from native memory to {@code to[at ...]}. */
  static void read(long address, float[] to, int at, int n) {
    MemorySegment.copy(ALL, FLOAT, address, to, at, n);
  }

  /** Copies {@code from[at ... at + n]} to native memory. */
  static void write(float[] from, int at, long address, int n) {
    MemorySegment.copy(from, at, ALL, FLOAT, address, n);
  }

  /** Copies the bits of {@code n} numbers from native memory. */
  static void read(long address, int[] to, int n) {
    MemorySegment.copy(ALL, INT, address, to, 0, n);
  }

  /** Copies the bits of {@code n} numbers to native memory. */
  static void write(int[] from, long address, int n) {
    MemorySegment.copy(from, 0, ALL, INT, address, n);
  }

  /** Fills with zeros. They are copied: a slice to be filled would be an object for as long as the compiler does not see through it. */
  static void clear(long address, long bytes) {
    for (long done = 0; done < bytes; done += ZEROS.byteSize()) {
      MemorySegment.copy(ZEROS, 0, ALL, address + done, Math.min(ZEROS.byteSize(), bytes - done));
    }
  }

  /** Stores the nearest number of bf16. */
  static void setBf16(long address, float value) {
    ALL.set(SHORT, address, (short) (Float.floatToRawIntBits(Elements.nearestBfloat16(value)) >>> Short.SIZE));
  }

  /** Copies {@code n} numbers within native memory; the places may overlap. */
  static void move(long from, long to, int n) {
    moveBytes(from, to, 4L * n);
  }

  static void moveBytes(long from, long to, long bytes) {
    MemorySegment.copy(ALL, from, ALL, to, bytes);
  }
}
