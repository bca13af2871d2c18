package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import kumiko.runtime.tensor.DType;

/** Dot products with {@link DType#Q4_0} weights. */
final class Q4Dots implements WeightDots {
  private static final int ELEMENTS = DType.Q4_0.blockElements();
  private static final int BYTES = DType.Q4_0.blockBytes();

  @Override
  public void rows(long w, long stride, int count, float[] x, int from, int n, float[] out, int to, float[] room) {
    int taken;
    for (int i = 0; i < count; i += taken) {
      taken = i + 2 <= count ? 2 : 1;
      // The last row is read alone, the same one in both places.
      long step = taken == 2 ? stride : 0;
      long at = w + i * stride;
      FloatVector a = Lanes.zero();
      FloatVector b = Lanes.zero();
      for (int k = 0; k < n; k += ELEMENTS) {
        FloatVector ofA = Lanes.zero();
        FloatVector ofB = Lanes.zero();
        for (int j = 0; j < ELEMENTS / 2; j += Lanes.COUNT) {
          FloatVector low = FloatVector.fromArray(Lanes.F32, x, from + k + j);
          FloatVector high = FloatVector.fromArray(Lanes.F32, x, from + k + j + ELEMENTS / 2);
          IntVector bytesA = Lanes.loadBytes(at + 2 + j);
          IntVector bytesB = Lanes.loadBytes(at + step + 2 + j);
          FloatVector lowA = bytesA.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
          FloatVector lowB = bytesB.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
          ofA = low.fma(lowA, ofA);
          ofB = low.fma(lowB, ofB);
          bytesA = bytesA.lanewise(VectorOperators.LSHR, Lanes.FOUR);
          bytesB = bytesB.lanewise(VectorOperators.LSHR, Lanes.FOUR);
          FloatVector highA = bytesA.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
          FloatVector highB = bytesB.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
          ofA = high.fma(highA, ofA);
          ofB = high.fma(highB, ofB);
        }
        a = ofA.fma(FloatVector.broadcast(Lanes.F32, Lanes.getF16(at)), a);
        b = ofB.fma(FloatVector.broadcast(Lanes.F32, Lanes.getF16(at + step)), b);
        at += BYTES;
      }
      a.intoArray(room, 0);
      out[to + i] = Lanes.sum(room, 0);
      if (taken == 2) {
        b.intoArray(room, 0);
        out[to + i + 1] = Lanes.sum(room, 0);
      }
    }
  }

  @Override
  public void columns(long w, long stride, int count, float[] x, int from, int n, float[] out) {
    throw new AssertionError("blocks of " + DType.Q4_0 + " lie along the rows of a weight");
  }

  @Override
  public void eight(long w, long stride, int last, float[] x, int from, int n, float[] tile) {
    float[] weights = Desk.ofThread().weights(3 * n);
    for (int i = 0; i <= last; i++) {
      WeightRows.Q4_0.read(w + i * stride, 0, n, weights, i * n);
    }
    MicroKernels.eight(weights, x, from, n, tile);
  }
}
