package kumiko.runtime.kernel;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Stored weights to float32 in an array, by methods that are too long to be inlined, as {@link Lanes} asks: several vectors in a round,
 * then one, then numbers.
 */
final class VectorWidening {
  private VectorWidening() {}

  static void bf16(long in, int n, float[] out, int at) {
    int c = 0;
    for (; c + 4 * Lanes.COUNT <= n; c += 4 * Lanes.COUNT) {
      long from = in + 2L * c;
      ShortVector bitsA = ShortVector.fromMemorySegment(Lanes.I16, Memory.ALL, from, LITTLE_ENDIAN);
      ShortVector bitsB = ShortVector.fromMemorySegment(Lanes.I16, Memory.ALL, from + 2L * Lanes.COUNT, LITTLE_ENDIAN);
      ShortVector bitsC = ShortVector.fromMemorySegment(Lanes.I16, Memory.ALL, from + 4L * Lanes.COUNT, LITTLE_ENDIAN);
      ShortVector bitsD = ShortVector.fromMemorySegment(Lanes.I16, Memory.ALL, from + 6L * Lanes.COUNT, LITTLE_ENDIAN);
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
      out[at + c] = Memory.getBf16(in + 2L * c);
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
      out[at + c] = Memory.getI8(in + c) * unit;
    }
  }
}
