package kumiko.runtime.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors of float32 between registers and native memory.
 *
 * <p>Memory is named by address, through one segment that spans it all: mapped files, arenas and slices would each bring their own
 * class and their own bounds and liveness checks into every inner loop. The owner of the memory keeps it alive during a call, and the
 * public operations have checked the shapes before.
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

  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);

  /** Whole vectors rather than numbers: the calls behind them are fewer, and inlining goes only so deep. */
  private static final IntVector SIXTEEN = IntVector.broadcast(I32, 16);

  private static final IntVector FOUR = IntVector.broadcast(I32, 4);
  private static final IntVector NIBBLE = IntVector.broadcast(I32, 15);
  private static final IntVector TWO_23 = IntVector.broadcast(I32, Float.floatToRawIntBits(0x1p23f));
  private static final FloatVector TWO_23_AND_8 = FloatVector.broadcast(F32, 0x1p23f + 8);
  private static final IntVector THIRTEEN = IntVector.broadcast(I32, 13);

  /** The sign and, below three copies of it, exponent and mantissa of a float16 that was widened with its sign and moved up by 13. */
  private static final IntVector HALF_BITS = IntVector.broadcast(I32, 0x8fff_e000);

  /** 2^112: moves a float16 exponent, of bias 15, to float32's bias of 127. */
  private static final FloatVector HALF_BIAS = FloatVector.broadcast(F32, 0x1p112f);

  /** What the largest float16 exponent becomes, the one of infinities and NaN, and what it should be. */
  private static final FloatVector HALF_SPECIAL = FloatVector.broadcast(F32, 0x1p16f);

  private static final IntVector SPECIAL = IntVector.broadcast(I32, 0x7f80_0000);

  private Lanes() {}

  static FloatVector zero() {
    return FloatVector.zero(F32);
  }

  static FloatVector all(float value) {
    return FloatVector.broadcast(F32, value);
  }

  /** The first {@code n} lanes. */
  static VectorMask<Float> first(int n) {
    return F32.indexInRange(0, n);
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

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(F32, MEMORY, address, LITTLE_ENDIAN);
  }

  static FloatVector load(long address, VectorMask<Float> lanes) {
    return FloatVector.fromMemorySegment(F32, MEMORY, address, LITTLE_ENDIAN, lanes);
  }

  static void store(FloatVector value, long address) {
    value.intoMemorySegment(MEMORY, address, LITTLE_ENDIAN);
  }

  static void store(FloatVector value, long address, VectorMask<Float> lanes) {
    value.intoMemorySegment(MEMORY, address, LITTLE_ENDIAN, lanes);
  }

  static FloatVector loadBf16(long address) {
    return bf16(ShortVector.fromMemorySegment(I16, MEMORY, address, LITTLE_ENDIAN));
  }

  static FloatVector loadBf16(long address, int n) {
    return bf16(ShortVector.fromMemorySegment(I16, MEMORY, address, LITTLE_ENDIAN, I16.indexInRange(0, n)));
  }

  static FloatVector loadF16(long address) {
    return f16(ShortVector.fromMemorySegment(I16, MEMORY, address, LITTLE_ENDIAN));
  }

  static FloatVector loadF16(long address, int n) {
    return f16(ShortVector.fromMemorySegment(I16, MEMORY, address, LITTLE_ENDIAN, I16.indexInRange(0, n)));
  }

  /**
   * The sum of all lanes, in one order always: that of {@code reduceLanes} differs between interpreted and compiled code, so results
   * would change while a program warms up.
   *
   * @param room for one vector
   */
  static float sum(FloatVector value, float[] room) {
    value.intoArray(room, 0);
    return sum(room, 0);
  }

  /** The sum of one vector in an array, in that order. */
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
    return (FloatVector) loadBytes(address).convert(VectorOperators.I2F, 0);
  }

  /** Bytes, widened with their sign. */
  static IntVector loadBytes(long address) {
    return (IntVector) ByteVector.fromMemorySegment(I8, MEMORY, address, LITTLE_ENDIAN).convertShape(VectorOperators.B2I, I32, 0);
  }

  /** Bits 0..3 less 8: as the last bits of 2^23 they are a number, from which 2^23 + 8 is taken. */
  static FloatVector lowNibbles(IntVector bytes) {
    return bytes.and(NIBBLE).or(TWO_23).reinterpretAsFloats().sub(TWO_23_AND_8);
  }

  /** Bits 4..7 less 8. */
  static FloatVector highNibbles(IntVector bytes) {
    return lowNibbles(bytes.lanewise(VectorOperators.LSHR, FOUR));
  }

  /** A bfloat16 is the upper half of a float32. */
  private static FloatVector bf16(ShortVector bits) {
    IntVector wide = (IntVector) bits.convertShape(VectorOperators.ZERO_EXTEND_S2I, I32, 0);
    return wide.lanewise(VectorOperators.LSHL, SIXTEEN).reinterpretAsFloats();
  }

  /** Exact for every float16: subnormals come out of the multiplication as normal numbers, infinities and NaN are put back after it. */
  private static FloatVector f16(ShortVector bits) {
    IntVector wide = (IntVector) bits.convertShape(VectorOperators.S2I, I32, 0);
    FloatVector value = wide.lanewise(VectorOperators.LSHL, THIRTEEN).and(HALF_BITS).reinterpretAsFloats().mul(HALF_BIAS);
    VectorMask<Float> special = value.abs().compare(VectorOperators.GE, HALF_SPECIAL);
    return value.blend(value.reinterpretAsInts().or(SPECIAL).reinterpretAsFloats(), special);
  }
}
