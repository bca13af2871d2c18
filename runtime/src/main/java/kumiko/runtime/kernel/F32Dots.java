package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;

/** Dot products with float32 weights. */
final class F32Dots implements WeightDots {
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
        long at = row + 4L * k;
        FloatVector v = FloatVector.fromArray(Lanes.F32, x, from + k);
        a = v.fma(Lanes.load(at), a);
        b = v.fma(Lanes.load(at + step), b);
        c = v.fma(Lanes.load(at + 2 * step), c);
        d = v.fma(Lanes.load(at + 3 * step), d);
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
      sum = Math.fma(x[from + k], Memory.get(w + 4L * k), sum);
    }
    return sum;
  }

  @Override
  public void columns(long w, long stride, int count, float[] x, int from, int n, float[] out) {
    int at = 0;
    for (; at + 4 * Lanes.COUNT <= count; at += 4 * Lanes.COUNT) {
      FloatVector a = Lanes.zero();
      FloatVector b = Lanes.zero();
      FloatVector c = Lanes.zero();
      FloatVector d = Lanes.zero();
      for (int k = 0; k < n; k++) {
        long row = w + k * stride + 4L * at;
        FloatVector v = Lanes.all(x[from + k]);
        a = v.fma(Lanes.load(row), a);
        b = v.fma(Lanes.load(row + 4L * Lanes.COUNT), b);
        c = v.fma(Lanes.load(row + 8L * Lanes.COUNT), c);
        d = v.fma(Lanes.load(row + 12L * Lanes.COUNT), d);
      }
      a.intoArray(out, at);
      b.intoArray(out, at + Lanes.COUNT);
      c.intoArray(out, at + 2 * Lanes.COUNT);
      d.intoArray(out, at + 3 * Lanes.COUNT);
    }
    for (; at + Lanes.COUNT <= count; at += Lanes.COUNT) {
      FloatVector a = Lanes.zero();
      for (int k = 0; k < n; k++) {
        a = Lanes.all(x[from + k]).fma(Lanes.load(w + k * stride + 4L * at), a);
      }
      a.intoArray(out, at);
    }
    for (; at < count; at++) {
      out[at] = column(w + 4L * at, stride, x, from, n);
    }
  }

  private static float column(long w, long stride, float[] x, int from, int n) {
    float sum = 0;
    for (int k = 0; k < n; k++) {
      sum = Math.fma(x[from + k], Memory.get(w + k * stride), sum);
    }
    return sum;
  }

  @Override
  public void eight(long w, long stride, int last, float[] x, int from, int n, float[] tile) {
    long second = w + Math.min(1, last) * stride;
    long third = w + Math.min(2, last) * stride;
    FloatVector a0 = Lanes.zero();
    FloatVector b0 = Lanes.zero();
    FloatVector c0 = Lanes.zero();
    FloatVector a1 = Lanes.zero();
    FloatVector b1 = Lanes.zero();
    FloatVector c1 = Lanes.zero();
    FloatVector a2 = Lanes.zero();
    FloatVector b2 = Lanes.zero();
    FloatVector c2 = Lanes.zero();
    FloatVector a3 = Lanes.zero();
    FloatVector b3 = Lanes.zero();
    FloatVector c3 = Lanes.zero();
    FloatVector a4 = Lanes.zero();
    FloatVector b4 = Lanes.zero();
    FloatVector c4 = Lanes.zero();
    FloatVector a5 = Lanes.zero();
    FloatVector b5 = Lanes.zero();
    FloatVector c5 = Lanes.zero();
    FloatVector a6 = Lanes.zero();
    FloatVector b6 = Lanes.zero();
    FloatVector c6 = Lanes.zero();
    FloatVector a7 = Lanes.zero();
    FloatVector b7 = Lanes.zero();
    FloatVector c7 = Lanes.zero();
    for (int k = 0; k < n; k += Lanes.COUNT) {
      FloatVector a = Lanes.load(w + 4L * k);
      FloatVector b = Lanes.load(second + 4L * k);
      FloatVector c = Lanes.load(third + 4L * k);
      int i = from + 8 * k;
      FloatVector v = FloatVector.fromArray(Lanes.F32, x, i);
      a0 = v.fma(a, a0);
      b0 = v.fma(b, b0);
      c0 = v.fma(c, c0);
      v = FloatVector.fromArray(Lanes.F32, x, i + Lanes.COUNT);
      a1 = v.fma(a, a1);
      b1 = v.fma(b, b1);
      c1 = v.fma(c, c1);
      v = FloatVector.fromArray(Lanes.F32, x, i + 2 * Lanes.COUNT);
      a2 = v.fma(a, a2);
      b2 = v.fma(b, b2);
      c2 = v.fma(c, c2);
      v = FloatVector.fromArray(Lanes.F32, x, i + 3 * Lanes.COUNT);
      a3 = v.fma(a, a3);
      b3 = v.fma(b, b3);
      c3 = v.fma(c, c3);
      v = FloatVector.fromArray(Lanes.F32, x, i + 4 * Lanes.COUNT);
      a4 = v.fma(a, a4);
      b4 = v.fma(b, b4);
      c4 = v.fma(c, c4);
      v = FloatVector.fromArray(Lanes.F32, x, i + 5 * Lanes.COUNT);
      a5 = v.fma(a, a5);
      b5 = v.fma(b, b5);
      c5 = v.fma(c, c5);
      v = FloatVector.fromArray(Lanes.F32, x, i + 6 * Lanes.COUNT);
      a6 = v.fma(a, a6);
      b6 = v.fma(b, b6);
      c6 = v.fma(c, c6);
      v = FloatVector.fromArray(Lanes.F32, x, i + 7 * Lanes.COUNT);
      a7 = v.fma(a, a7);
      b7 = v.fma(b, b7);
      c7 = v.fma(c, c7);
    }
    a0.intoArray(tile, 0);
    b0.intoArray(tile, Lanes.COUNT);
    c0.intoArray(tile, 2 * Lanes.COUNT);
    a1.intoArray(tile, 3 * Lanes.COUNT);
    b1.intoArray(tile, 4 * Lanes.COUNT);
    c1.intoArray(tile, 5 * Lanes.COUNT);
    a2.intoArray(tile, 6 * Lanes.COUNT);
    b2.intoArray(tile, 7 * Lanes.COUNT);
    c2.intoArray(tile, 8 * Lanes.COUNT);
    a3.intoArray(tile, 9 * Lanes.COUNT);
    b3.intoArray(tile, 10 * Lanes.COUNT);
    c3.intoArray(tile, 11 * Lanes.COUNT);
    a4.intoArray(tile, 12 * Lanes.COUNT);
    b4.intoArray(tile, 13 * Lanes.COUNT);
    c4.intoArray(tile, 14 * Lanes.COUNT);
    a5.intoArray(tile, 15 * Lanes.COUNT);
    b5.intoArray(tile, 16 * Lanes.COUNT);
    c5.intoArray(tile, 17 * Lanes.COUNT);
    a6.intoArray(tile, 18 * Lanes.COUNT);
    b6.intoArray(tile, 19 * Lanes.COUNT);
    c6.intoArray(tile, 20 * Lanes.COUNT);
    a7.intoArray(tile, 21 * Lanes.COUNT);
    b7.intoArray(tile, 22 * Lanes.COUNT);
    c7.intoArray(tile, 23 * Lanes.COUNT);
  }
}
