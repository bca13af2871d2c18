package kumiko.runtime.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors of float32 between registers and {@link Memory}, by the Vector API.
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

  static FloatVector load(long address) {
    return FloatVector.fromMemorySegment(F32, Memory.ALL, address, LITTLE_ENDIAN);
  }

  static void store(FloatVector value, long address) {
    value.intoMemorySegment(Memory.ALL, address, LITTLE_ENDIAN);
  }

  static FloatVector loadBf16(long address) {
    return bf16(ShortVector.fromMemorySegment(I16, Memory.ALL, address, LITTLE_ENDIAN));
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
    return (FloatVector) ByteVector.fromMemorySegment(I8, Memory.ALL, address, LITTLE_ENDIAN).convertShape(VectorOperators.B2F, F32, 0);
  }

  static IntVector loadInts(long address) {
    return IntVector.fromMemorySegment(I32, Memory.ALL, address, LITTLE_ENDIAN);
  }

  /** A bfloat16 is the upper half of a float32. */
  private static FloatVector bf16(ShortVector bits) {
    IntVector wide = (IntVector) bits.convertShape(VectorOperators.ZERO_EXTEND_S2I, I32, 0);
    return wide.lanewise(VectorOperators.LSHL, SIXTEEN).reinterpretAsFloats();
  }
}
