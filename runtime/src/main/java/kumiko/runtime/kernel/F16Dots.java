package kumiko.runtime.kernel;

import java.util.Arrays;
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
    int k = 0;
    FloatVector a = Lanes.zero();
    FloatVector b = Lanes.zero();
    FloatVector c = Lanes.zero();
    FloatVector d = Lanes.zero();
    FloatVector e = Lanes.zero();
    FloatVector f = Lanes.zero();
    FloatVector g = Lanes.zero();
    FloatVector h = Lanes.zero();
    for (; k + 8 * Lanes.COUNT <= n; k += 8 * Lanes.COUNT) {
      a = FloatVector.fromArray(Lanes.F32, x, from + k).fma(FloatVector.fromArray(Lanes.F32, weights, k), a);
      b = FloatVector.fromArray(Lanes.F32, x, from + k + Lanes.COUNT).fma(FloatVector.fromArray(Lanes.F32, weights, k + Lanes.COUNT), b);
      c = FloatVector.fromArray(Lanes.F32, x, from + k + 2 * Lanes.COUNT)
          .fma(FloatVector.fromArray(Lanes.F32, weights, k + 2 * Lanes.COUNT), c);
      d = FloatVector.fromArray(Lanes.F32, x, from + k + 3 * Lanes.COUNT)
          .fma(FloatVector.fromArray(Lanes.F32, weights, k + 3 * Lanes.COUNT), d);
      e = FloatVector.fromArray(Lanes.F32, x, from + k + 4 * Lanes.COUNT)
          .fma(FloatVector.fromArray(Lanes.F32, weights, k + 4 * Lanes.COUNT), e);
      f = FloatVector.fromArray(Lanes.F32, x, from + k + 5 * Lanes.COUNT)
          .fma(FloatVector.fromArray(Lanes.F32, weights, k + 5 * Lanes.COUNT), f);
      g = FloatVector.fromArray(Lanes.F32, x, from + k + 6 * Lanes.COUNT)
          .fma(FloatVector.fromArray(Lanes.F32, weights, k + 6 * Lanes.COUNT), g);
      h = FloatVector.fromArray(Lanes.F32, x, from + k + 7 * Lanes.COUNT)
          .fma(FloatVector.fromArray(Lanes.F32, weights, k + 7 * Lanes.COUNT), h);
    }
    for (; k + Lanes.COUNT <= n; k += Lanes.COUNT) {
      a = FloatVector.fromArray(Lanes.F32, x, from + k).fma(FloatVector.fromArray(Lanes.F32, weights, k), a);
    }
    a.add(b).add(c.add(d)).add(e.add(f).add(g.add(h))).intoArray(room, 0);
    float sum = Lanes.sum(room, 0);
    for (; k < n; k++) {
      sum = Math.fma(x[from + k], weights[k], sum);
    }
    return sum;
  }

  @Override
  public void columns(long w, long stride, int count, float[] x, int from, int n, float[] out) {
    float[] weights = Desk.ofThread().weights(count);
    Arrays.fill(out, 0, count, 0);
    for (int k = 0; k < n; k++) {
      WeightRows.F16.read(w + k * stride, 0, count, weights, 0);
      addProducts(x[from + k], weights, count, out);
    }
  }

  private static void addProducts(float factor, float[] weights, int count, float[] out) {
    for (int c = 0; c < count; c++) {
      out[c] = Math.fma(factor, weights[c], out[c]);
    }
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
