package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;

/** Dot products with float16 weights. */
final class F16Dots implements WeightDots {
  @Override
  public void rows(long w, long stride, int count, float[] x, int from, int n, float[] out, int to, float[] room) {
    int body = Lanes.F32.loopBound(n);
    int taken;
    for (int i = 0; i < count; i += taken) {
      taken = i + 2 <= count ? 2 : 1;
      // The last rows are read one by one, the same one in every place.
      long step = taken == 2 ? stride : 0;
      long row = w + i * stride;
      FloatVector a = Lanes.zero();
      FloatVector b = Lanes.zero();
      for (int k = 0; k < body; k += Lanes.COUNT) {
        long at = row + 2L * k;
        FloatVector v = FloatVector.fromArray(Lanes.F32, x, from + k);
        a = v.fma(Lanes.loadF16(at), a);
        b = v.fma(Lanes.loadF16(at + step), b);
      }
      out[to + i] = Lanes.sum(a, room);
      if (taken == 2) {
        out[to + i + 1] = Lanes.sum(b, room);
      }
      if (body < n) {
        for (int j = 0; j < taken; j++) {
          out[to + i + j] += tail(row + j * step, x, from, body, n);
        }
      }
    }
  }

  private static float tail(long w, float[] x, int from, int body, int n) {
    float sum = 0;
    for (int k = body; k < n; k++) {
      sum = Math.fma(x[from + k], Lanes.getF16(w + 2L * k), sum);
    }
    return sum;
  }

  @Override
  public void columns(long w, long stride, int count, float[] x, int from, int n, float[] out) {
    int at = 0;
    for (; at + 2 * Lanes.COUNT <= count; at += 2 * Lanes.COUNT) {
      FloatVector a = Lanes.zero();
      FloatVector b = Lanes.zero();
      for (int k = 0; k < n; k++) {
        long row = w + k * stride + 2L * at;
        FloatVector v = Lanes.all(x[from + k]);
        a = v.fma(Lanes.loadF16(row), a);
        b = v.fma(Lanes.loadF16(row + 2L * Lanes.COUNT), b);
      }
      a.intoArray(out, at);
      b.intoArray(out, at + Lanes.COUNT);
    }
    for (; at < count; at += Lanes.COUNT) {
      fewColumns(w + 2L * at, stride, Math.min(Lanes.COUNT, count - at), x, from, n, out, at);
    }
  }

  private static void fewColumns(long w, long stride, int count, float[] x, int from, int n, float[] out, int to) {
    FloatVector a = Lanes.zero();
    for (int k = 0; k < n; k++) {
      a = Lanes.all(x[from + k]).fma(Lanes.loadF16(w + k * stride, count), a);
    }
    a.intoArray(out, to, Lanes.first(count));
  }

  @Override
  public void eight(long w, long stride, int last, float[] x, int from, int n, float[] tile) {
    float[] weights = Desk.ofThread().weights(3 * n);
    for (int i = 0; i <= last; i++) {
      WeightRows.F16.read(w + i * stride, 0, n, weights, i * n);
    }
    MicroKernels.eight(weights, x, from, n, tile);
  }
}
