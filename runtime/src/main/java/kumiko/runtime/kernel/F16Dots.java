package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * Dot products with float16 weights. A row is widened first, by a loop without vectors: of that the compiler makes the processor's own
 * instruction, which the Vector API does not have, so widening and multiplying apart is faster than together.
 */
final class F16Dots implements WeightDots {
  @Override
  public void rows(long w, long stride, int count, float[] x, int from, int n, float[] out, int to, float[] room) {
    float[] weights = Desk.ofThread().weights(n);
    for (int i = 0; i < count; i++) {
      WeightRows.F16.read(w + i * stride, 0, n, weights, 0);
      out[to + i] = dot(x, from, weights, n, room);
    }
  }

  private static float dot(float[] x, int from, float[] weights, int n, float[] room) {
    int body = Lanes.F32.loopBound(n);
    int pairs = body & -2 * Lanes.COUNT;
    FloatVector a = Lanes.zero();
    FloatVector b = Lanes.zero();
    for (int k = 0; k < pairs; k += 2 * Lanes.COUNT) {
      int next = k + Lanes.COUNT;
      a = FloatVector.fromArray(Lanes.F32, x, from + k).fma(FloatVector.fromArray(Lanes.F32, weights, k), a);
      b = FloatVector.fromArray(Lanes.F32, x, from + next).fma(FloatVector.fromArray(Lanes.F32, weights, next), b);
    }
    if (pairs < body) {
      a = FloatVector.fromArray(Lanes.F32, x, from + pairs).fma(FloatVector.fromArray(Lanes.F32, weights, pairs), a);
    }
    float sum = Lanes.sum(a.add(b), room);
    for (int k = body; k < n; k++) {
      sum = Math.fma(x[from + k], weights[k], sum);
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
