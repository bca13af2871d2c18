package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import kumiko.runtime.tensor.DType;

/** Dot products with bfloat16 weight rows. */
final class Bf16Dots implements WeightDots {
  @Override
  public DType type() {
    return DType.BF16;
  }

  @Override
  public void one(long w, long x, int n, long y) {
    FloatVector a0 = Lanes.zero();
    int body = Lanes.F32.loopBound(n);
    for (int k = 0; k < body; k += Lanes.COUNT) {
      a0 = Lanes.load(x + 4L * k).fma(Lanes.loadBf16(w + 2L * k), a0);
    }
    if (body < n) {
      FloatVector v = Lanes.load(x + 4L * body, Lanes.first(n - body));
      a0 = v.fma(Lanes.loadBf16(w + 2L * body, n - body), a0);
    }
    WeightDots.addTo(y, a0);
  }

  @Override
  public void four(long w, long stride, long x, int n, long y, long step) {
    FloatVector a0 = Lanes.zero();
    FloatVector a1 = Lanes.zero();
    FloatVector a2 = Lanes.zero();
    FloatVector a3 = Lanes.zero();
    long w1 = w + stride;
    long w2 = w + 2 * stride;
    long w3 = w + 3 * stride;
    int body = Lanes.F32.loopBound(n);
    for (int k = 0; k < body; k += Lanes.COUNT) {
      FloatVector v = Lanes.load(x + 4L * k);
      a0 = v.fma(Lanes.loadBf16(w + 2L * k), a0);
      a1 = v.fma(Lanes.loadBf16(w1 + 2L * k), a1);
      a2 = v.fma(Lanes.loadBf16(w2 + 2L * k), a2);
      a3 = v.fma(Lanes.loadBf16(w3 + 2L * k), a3);
    }
    if (body < n) {
      FloatVector v = Lanes.load(x + 4L * body, Lanes.first(n - body));
      a0 = v.fma(Lanes.loadBf16(w + 2L * body, n - body), a0);
      a1 = v.fma(Lanes.loadBf16(w1 + 2L * body, n - body), a1);
      a2 = v.fma(Lanes.loadBf16(w2 + 2L * body, n - body), a2);
      a3 = v.fma(Lanes.loadBf16(w3 + 2L * body, n - body), a3);
    }
    WeightDots.addTo(y, a0);
    WeightDots.addTo(y + step, a1);
    WeightDots.addTo(y + 2 * step, a2);
    WeightDots.addTo(y + 3 * step, a3);
  }

  @Override
  public void columns(long w, long stride, long x, int n, long y) {
    FloatVector a0 = Lanes.load(y);
    FloatVector a1 = Lanes.load(y + 4L * Lanes.COUNT);
    FloatVector a2 = Lanes.load(y + 8L * Lanes.COUNT);
    FloatVector a3 = Lanes.load(y + 12L * Lanes.COUNT);
    for (int k = 0; k < n; k++) {
      FloatVector v = Lanes.all(Lanes.get(x + 4L * k));
      long at = w + k * stride;
      a0 = v.fma(Lanes.loadBf16(at), a0);
      a1 = v.fma(Lanes.loadBf16(at + 2L * Lanes.COUNT), a1);
      a2 = v.fma(Lanes.loadBf16(at + 2 * 2L * Lanes.COUNT), a2);
      a3 = v.fma(Lanes.loadBf16(at + 3 * 2L * Lanes.COUNT), a3);
    }
    Lanes.store(a0, y);
    Lanes.store(a1, y + 4L * Lanes.COUNT);
    Lanes.store(a2, y + 8L * Lanes.COUNT);
    Lanes.store(a3, y + 12L * Lanes.COUNT);
  }

  @Override
  public void fewColumns(long w, long stride, long x, int n, long y, int count) {
    FloatVector a0 = Lanes.load(y, Lanes.first(count));
    for (int k = 0; k < n; k++) {
      a0 = Lanes.all(Lanes.get(x + 4L * k)).fma(Lanes.loadBf16(w + k * stride, count), a0);
    }
    Lanes.store(a0, y, Lanes.first(count));
  }
}
