package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import kumiko.runtime.tensor.DType;

/** Dot products with {@link DType#Q8_0} weights. */
final class Q8Dots implements WeightDots {
  private static final int ELEMENTS = DType.Q8_0.blockElements();
  private static final int BYTES = DType.Q8_0.blockBytes();

  @Override
  public void rows(long w, long stride, int count, float[] x, int from, int n, float[] out, int to, float[] room) {
    int taken;
    for (int i = 0; i < count; i += taken) {
      taken = i + 4 <= count ? 4 : 1;
      // The last rows are read one by one, the same one in every place.
      long step = taken == 4 ? stride : 0;
      long at = w + i * stride;
      FloatVector a = Lanes.zero();
      FloatVector b = Lanes.zero();
      FloatVector c = Lanes.zero();
      FloatVector d = Lanes.zero();
      for (int k = 0; k < n; k += ELEMENTS) {
        FloatVector ofA = Lanes.zero();
        FloatVector ofB = Lanes.zero();
        FloatVector ofC = Lanes.zero();
        FloatVector ofD = Lanes.zero();
        for (int j = 0; j < ELEMENTS; j += Lanes.COUNT) {
          FloatVector v = FloatVector.fromArray(Lanes.F32, x, from + k + j);
          ofA = v.fma(Lanes.loadI8(at + 2 + j), ofA);
          ofB = v.fma(Lanes.loadI8(at + step + 2 + j), ofB);
          ofC = v.fma(Lanes.loadI8(at + 2 * step + 2 + j), ofC);
          ofD = v.fma(Lanes.loadI8(at + 3 * step + 2 + j), ofD);
        }
        a = ofA.fma(Lanes.all(Lanes.getF16(at)), a);
        b = ofB.fma(Lanes.all(Lanes.getF16(at + step)), b);
        c = ofC.fma(Lanes.all(Lanes.getF16(at + 2 * step)), c);
        d = ofD.fma(Lanes.all(Lanes.getF16(at + 3 * step)), d);
        at += BYTES;
      }
      a.intoArray(room, 0);
      out[to + i] = Lanes.sum(room, 0);
      if (taken == 4) {
        b.intoArray(room, 0);
        out[to + i + 1] = Lanes.sum(room, 0);
        c.intoArray(room, 0);
        out[to + i + 2] = Lanes.sum(room, 0);
        d.intoArray(room, 0);
        out[to + i + 3] = Lanes.sum(room, 0);
      }
    }
  }

  @Override
  public void columns(long w, long stride, int count, float[] x, int from, int n, float[] out) {
    throw new AssertionError("blocks of " + DType.Q8_0 + " lie along the rows of a weight");
  }

  @Override
  public void eight(long w, long stride, int last, float[] x, int from, int n, float[] tile) {
    float[] weights = Desk.ofThread().weights(3 * n);
    for (int i = 0; i <= last; i++) {
      WeightRows.Q8_0.read(w + i * stride, 0, n, weights, i * n);
    }
    MicroKernels.eight(weights, x, from, n, tile);
  }
}
