package kumiko.runtime.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import kumiko.runtime.tensor.Elements;

/**
 * Vectors of float32 between registers and native memory.
 *
 * <p>Memory is named by address, through one segment that spans it all: mapped files, arenas and slices would each bring their own
 * class and their own bounds and liveness checks into every inner loop. The owner of the memory keeps it alive during a call, and the
 * public operations have checked the shapes before.
 *
 * <p><b>No vector is an object.</b> The compiler keeps vectors in registers only if it inlines every call between them, and it gives up
 * inlining these methods when the method that it compiles has grown too far, callers and all: vectors are then allocated, in some
 * processes and not in others. So a method that works with vectors is too long to be inlined into its callers (325 bytes of code, by
 * rounds of several vectors), and short enough to be compiled alone; and everything that needs no vectors is a plain loop over arrays,
 * of which the compiler makes vector instructions by itself. {@code VectorMethodsSpec} holds that against the code.
 */
final class Lanes {
  static final VectorSpecies<Float> F32 = FloatVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> I32 = VectorSpecies.of(int.class, F32.vectorShape());
  static final VectorSpecies<Short> I16 = VectorSpecies.of(short.class, VectorShape.forBitSize(F32.vectorBitSize() / 2));

  /** Null where vectors are so short that a quarter of one is no vector. */
  static final VectorSpecies<Byte> I8 = F32.vectorBitSize() < 256
      ? null
      : VectorSpecies.of(byte.class, VectorShape.forBitSize(F32.vectorBitSize() / 4));

  static final int COUNT = F32.length();

  static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private static final MemorySegment ZEROS = Arena.global().allocate(1 << 14);
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);

  /** Whole vectors rather than numbers: the calls behind them are fewer, and inlining goes only so deep. */
  static final IntVector SIXTEEN = IntVector.broadcast(I32, 16);

  static final IntVector FOUR = IntVector.broadcast(I32, 4);
  static final IntVector EIGHT = IntVector.broadcast(I32, 8);
  static final IntVector NIBBLE = IntVector.broadcast(I32, 15);
  static final IntVector TWO_23 = IntVector.broadcast(I32, Float.floatToRawIntBits(0x1p23f));
  static final FloatVector TWO_23_AND_8 = FloatVector.broadcast(F32, 0x1p23f + 8);

  private Lanes() {}

  static FloatVector zero() {
    return FloatVector.zero(F32);
  }

  static FloatVector all(float value) {
    return FloatVector.broadcast(F32, value);
  }

  static float get(long address) {
    return MEMORY.get(FLOAT, address);
  }

  static void set(long address, float value) {
    MEMORY.set(FLOAT, address, value);
  }

  static int getInt(long address) {
    return MEMORY.get(INT, address);
  }

  static byte getI8(long address) {
    return MEMORY.get(ValueLayout.JAVA_BYTE, address);
  }

  static float getBf16(long address) {
    return Float.intBitsToFloat(MEMORY.get(SHORT, address) << 16);
  }

  static float getF16(long address) {
    return Float.float16ToFloat(MEMORY.get(SHORT, address));
  }

  /** Copies {@code n} numbers from native memory to {@code to[at ...]}. */
  static void read(long address, float[] to, int at, int n) {
    MemorySegment.copy(MEMORY, FLOAT, address, to, at, n);
  }

  /** Copies {@code from[at ... at + n]} to native memory. */
  static void write(float[] from, int at, long address, int n) {
    MemorySegment.copy(from, at, MEMORY, FLOAT, address, n);
  }

  /** Copies the bits of {@code n} numbers from native memory. */
  static void read(long address, int[] to, int n) {
    MemorySegment.copy(MEMORY, INT, address, to, 0, n);
  }

  /** Copies the bits of {@code n} numbers to native memory. */
  static void write(int[] from, long address, int n) {
    MemorySegment.copy(from, 0, MEMORY, INT, address, n);
  }

  /** Fills with zeros. They are copied: a slice to be filled would be an object for as long as the compiler does not see through it. */
  static void clear(long address, long bytes) {
    for (long done = 0; done < bytes; done += ZEROS.byteSize()) {
      MemorySegment.copy(ZEROS, 0, MEMORY, address + done, Math.min(ZEROS.byteSize(), bytes - done));
    }
  }

  /** Stores the nearest number of bf16. */
  static void setBf16(long address, float value) {
    MEMORY.set(SHORT, address, (short) (Float.floatToRawIntBits(Elements.nearestBfloat16(value)) >>> Short.SIZE));
  }

  /** Copies {@code n} numbers within native memory; the places may overlap. */
  static void move(long from, long to, int n) {
    moveBytes(from, to, 4L * n);
  }

  static void moveBytes(long from, long to, long bytes) {
    MemorySegment.copy(MEMORY, from, MEMORY, to, bytes);
  }

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(F32, MEMORY, address, LITTLE_ENDIAN);
  }

  static void store(FloatVector value, long address) {
    value.intoMemorySegment(MEMORY, address, LITTLE_ENDIAN);
  }

  static FloatVector loadBf16(long address) {
    return bf16(ShortVector.fromMemorySegment(I16, MEMORY, address, LITTLE_ENDIAN));
  }

  /**
   * The sum of one vector in an array, in one order always: that of {@code reduceLanes} differs between interpreted and compiled code,
   * so results would change while a program warms up.
   */
  static float sum(float[] lanes, int at) {
    float a = 0;
    float b = 0;
    for (int lane = 0; lane < COUNT; lane += 2) {
      a += lanes[at + lane];
      b += lanes[at + lane + 1];
    }
    return a + b;
  }

  /** Signed bytes as float32. */
  static FloatVector loadI8(long address) {
    return (FloatVector) ByteVector.fromMemorySegment(I8, MEMORY, address, LITTLE_ENDIAN).convertShape(VectorOperators.B2F, F32, 0);
  }

  static IntVector loadInts(long address) {
    return IntVector.fromMemorySegment(I32, MEMORY, address, LITTLE_ENDIAN);
  }

  /** A bfloat16 is the upper half of a float32. */
  private static FloatVector bf16(ShortVector bits) {
    IntVector wide = (IntVector) bits.convertShape(VectorOperators.ZERO_EXTEND_S2I, I32, 0);
    return wide.lanewise(VectorOperators.LSHL, SIXTEEN).reinterpretAsFloats();
  }
}
