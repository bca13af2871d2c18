package kumiko.runtime.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Stored weights to float32 in an array, by methods that are too long to be inlined, as {@link Lanes} asks: several vectors in a round,
 * then one, then numbers.
 */
final class VectorWidening {
  /** Bytes of a block of 32, and its number that the others are multiples of. */
  private static final int Q8_BYTES = 34;

  private static final int Q4_BYTES = 18;
  private static final int SCALE_BYTES = 2;
  private static final int ELEMENTS = 32;

  private VectorWidening() {}

  static void bf16(long in, int n, float[] out, int at) {
    int c = 0;
    for (; c + 4 * Lanes.COUNT <= n; c += 4 * Lanes.COUNT) {
      long from = in + 2L * c;
      ShortVector bitsA = ShortVector.fromMemorySegment(Lanes.I16, Lanes.MEMORY, from, LITTLE_ENDIAN);
      ShortVector bitsB = ShortVector.fromMemorySegment(Lanes.I16, Lanes.MEMORY, from + 2L * Lanes.COUNT, LITTLE_ENDIAN);
      ShortVector bitsC = ShortVector.fromMemorySegment(Lanes.I16, Lanes.MEMORY, from + 4L * Lanes.COUNT, LITTLE_ENDIAN);
      ShortVector bitsD = ShortVector.fromMemorySegment(Lanes.I16, Lanes.MEMORY, from + 6L * Lanes.COUNT, LITTLE_ENDIAN);
      IntVector wideA = (IntVector) bitsA.convertShape(VectorOperators.ZERO_EXTEND_S2I, Lanes.I32, 0);
      IntVector wideB = (IntVector) bitsB.convertShape(VectorOperators.ZERO_EXTEND_S2I, Lanes.I32, 0);
      IntVector wideC = (IntVector) bitsC.convertShape(VectorOperators.ZERO_EXTEND_S2I, Lanes.I32, 0);
      IntVector wideD = (IntVector) bitsD.convertShape(VectorOperators.ZERO_EXTEND_S2I, Lanes.I32, 0);
      wideA.lanewise(VectorOperators.LSHL, Lanes.SIXTEEN).reinterpretAsFloats().intoArray(out, at + c);
      wideB.lanewise(VectorOperators.LSHL, Lanes.SIXTEEN).reinterpretAsFloats().intoArray(out, at + c + Lanes.COUNT);
      wideC.lanewise(VectorOperators.LSHL, Lanes.SIXTEEN).reinterpretAsFloats().intoArray(out, at + c + 2 * Lanes.COUNT);
      wideD.lanewise(VectorOperators.LSHL, Lanes.SIXTEEN).reinterpretAsFloats().intoArray(out, at + c + 3 * Lanes.COUNT);
    }
    for (; c + Lanes.COUNT <= n; c += Lanes.COUNT) {
      Lanes.loadBf16(in + 2L * c).intoArray(out, at + c);
    }
    for (; c < n; c++) {
      out[at + c] = Lanes.getBf16(in + 2L * c);
    }
  }

  static void i8(long in, float unit, int n, float[] out, int at) {
    FloatVector units = Lanes.all(unit);
    int c = 0;
    for (; c + 8 * Lanes.COUNT <= n; c += 8 * Lanes.COUNT) {
      Lanes.loadI8(in + c).mul(units).intoArray(out, at + c);
      Lanes.loadI8(in + c + Lanes.COUNT).mul(units).intoArray(out, at + c + Lanes.COUNT);
      Lanes.loadI8(in + c + 2L * Lanes.COUNT).mul(units).intoArray(out, at + c + 2 * Lanes.COUNT);
      Lanes.loadI8(in + c + 3L * Lanes.COUNT).mul(units).intoArray(out, at + c + 3 * Lanes.COUNT);
      Lanes.loadI8(in + c + 4L * Lanes.COUNT).mul(units).intoArray(out, at + c + 4 * Lanes.COUNT);
      Lanes.loadI8(in + c + 5L * Lanes.COUNT).mul(units).intoArray(out, at + c + 5 * Lanes.COUNT);
      Lanes.loadI8(in + c + 6L * Lanes.COUNT).mul(units).intoArray(out, at + c + 6 * Lanes.COUNT);
      Lanes.loadI8(in + c + 7L * Lanes.COUNT).mul(units).intoArray(out, at + c + 7 * Lanes.COUNT);
    }
    for (; c + Lanes.COUNT <= n; c += Lanes.COUNT) {
      Lanes.loadI8(in + c).mul(units).intoArray(out, at + c);
    }
    for (; c < n; c++) {
      out[at + c] = Lanes.getI8(in + c) * unit;
    }
  }

  static void q8(long in, int n, float[] out, int at) {
    int c = 0;
    long block = in;
    for (; c + 4 * ELEMENTS <= n; c += 4 * ELEMENTS) {
      FloatVector scaleA = FloatVector.broadcast(Lanes.F32, Lanes.getF16(block));
      FloatVector scaleB = FloatVector.broadcast(Lanes.F32, Lanes.getF16(block + Q8_BYTES));
      FloatVector scaleC = FloatVector.broadcast(Lanes.F32, Lanes.getF16(block + 2 * Q8_BYTES));
      FloatVector scaleD = FloatVector.broadcast(Lanes.F32, Lanes.getF16(block + 3 * Q8_BYTES));
      for (int j = 0; j < ELEMENTS; j += Lanes.COUNT) {
        long from = block + SCALE_BYTES + j;
        int to = at + c + j;
        Lanes.loadI8(from).mul(scaleA).intoArray(out, to);
        Lanes.loadI8(from + Q8_BYTES).mul(scaleB).intoArray(out, to + ELEMENTS);
        Lanes.loadI8(from + 2 * Q8_BYTES).mul(scaleC).intoArray(out, to + 2 * ELEMENTS);
        Lanes.loadI8(from + 3 * Q8_BYTES).mul(scaleD).intoArray(out, to + 3 * ELEMENTS);
      }
      block += 4 * Q8_BYTES;
    }
    for (; c < n; c += ELEMENTS) {
      FloatVector scale = FloatVector.broadcast(Lanes.F32, Lanes.getF16(block));
      for (int j = 0; j < ELEMENTS; j += Lanes.COUNT) {
        ByteVector bytes = ByteVector.fromMemorySegment(Lanes.I8, Lanes.MEMORY, block + SCALE_BYTES + j, LITTLE_ENDIAN);
        ((FloatVector) bytes.convertShape(VectorOperators.B2F, Lanes.F32, 0)).mul(scale).intoArray(out, at + c + j);
      }
      block += Q8_BYTES;
    }
  }

  /** Two blocks in a round. */
  static void q4(long in, int n, float[] out, int at) {
    int c = 0;
    long block = in;
    for (; c + 2 * ELEMENTS <= n; c += 2 * ELEMENTS) {
      FloatVector scaleA = FloatVector.broadcast(Lanes.F32, Lanes.getF16(block));
      FloatVector scaleB = FloatVector.broadcast(Lanes.F32, Lanes.getF16(block + Q4_BYTES));
      for (int j = 0; j < ELEMENTS / 2; j += Lanes.COUNT) {
        int to = at + c + j;
        IntVector bytesA = Lanes.loadBytes(block + SCALE_BYTES + j);
        IntVector bytesB = Lanes.loadBytes(block + Q4_BYTES + SCALE_BYTES + j);
        FloatVector lowA = bytesA.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        FloatVector lowB = bytesB.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        lowA.mul(scaleA).intoArray(out, to);
        lowB.mul(scaleB).intoArray(out, to + ELEMENTS);
        bytesA = bytesA.lanewise(VectorOperators.LSHR, Lanes.FOUR);
        bytesB = bytesB.lanewise(VectorOperators.LSHR, Lanes.FOUR);
        FloatVector highA = bytesA.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        FloatVector highB = bytesB.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        highA.mul(scaleA).intoArray(out, to + ELEMENTS / 2);
        highB.mul(scaleB).intoArray(out, to + ELEMENTS + ELEMENTS / 2);
      }
      block += 2 * Q4_BYTES;
    }
    if (c < n) {
      lastQ4(block, n - c, out, at + c);
    }
  }

  /** One block, a number at a time. */
  private static void lastQ4(long block, int n, float[] out, int at) {
    float scale = Lanes.getF16(block);
    for (int j = 0; j < n / 2; j++) {
      byte pair = Lanes.getI8(block + SCALE_BYTES + j);
      out[at + j] = ((pair & 15) - 8) * scale;
      out[at + n / 2 + j] = ((pair >>> 4 & 15) - 8) * scale;
    }
  }
}
