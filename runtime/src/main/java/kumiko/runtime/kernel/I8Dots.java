package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import kumiko.runtime.tensor.DType;

/** Dot products with {@link DType#I8_ROWS} weights: the bytes are summed as they are, the unit of a row comes last. */
final class I8Dots implements WeightDots {
  @Override
  public void rows(long w, long stride, int count, float[] x, int from, int n, float[] out, int to, float[] room) {
    int body = Lanes.F32.loopBound(n);
    int taken;
    for (int i = 0; i < count; i += taken) {
      taken = i + 4 <= count ? 4 : 1;
      // The last rows are read one by one, the same one in every place.
      long step = taken == 4 ? stride : 0;
      long row = w + i * stride;
      FloatVector a = Lanes.zero();
      FloatVector b = Lanes.zero();
      FloatVector c = Lanes.zero();
      FloatVector d = Lanes.zero();
      for (int k = 0; k < body; k += Lanes.COUNT) {
        long at = row + k;
        FloatVector v = FloatVector.fromArray(Lanes.F32, x, from + k);
        a = v.fma(Lanes.loadI8(at), a);
        b = v.fma(Lanes.loadI8(at + step), b);
        c = v.fma(Lanes.loadI8(at + 2 * step), c);
        d = v.fma(Lanes.loadI8(at + 3 * step), d);
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
      for (int j = 0; j < taken; j++) {
        long start = row + j * step;
        out[to + i + j] = (out[to + i + j] + tail(start, x, from, body, n)) * Memory.get(start - Float.BYTES);
      }
    }
  }

  private static float tail(long w, float[] x, int from, int body, int n) {
    float sum = 0;
    for (int k = body; k < n; k++) {
      sum = Math.fma(x[from + k], Memory.getI8(w + k), sum);
    }
    return sum;
  }

  @Override
  public void columns(long w, long stride, int count, float[] x, int from, int n, float[] out) {
    throw new AssertionError("bytes of " + DType.I8_ROWS + " lie along the rows of a weight");
  }

  @Override
  public void eight(long w, long stride, int last, float[] x, int from, int n, float[] tile) {
    float[] weights = Desk.ofThread().weights(3 * n);
    for (int i = 0; i <= last; i++) {
      WeightRows.I8_ROWS.read(w + i * stride, 0, n, weights, i * n);
    }
    MicroKernels.eight(weights, x, from, n, tile);
  }
}
