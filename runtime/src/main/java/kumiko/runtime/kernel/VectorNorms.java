package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import kumiko.runtime.tensor.Rows;

/** LayerNorm and RMSNorm, a row at a time. */
final class VectorNorms {
  private VectorNorms() {}

  static void layerNorm(Rows x, Rows weight, Rows bias, double eps, Rows y, int from, int to) {
    long w = weight == null ? 0 : VectorLinear.address(weight, 0, 0);
    long b = bias == null ? 0 : VectorLinear.address(bias, 0, 0);
    int n = x.width();
    for (int r = from; r < to; r++) {
      long at = VectorLinear.address(x, r, 0);
      float mean = sum(at, n) / n;
      double variance = (double) squares(at, n, mean) / n;
      transform(at, n, mean, (float) (1 / Math.sqrt(variance + eps)), w, 0, b, VectorLinear.address(y, r, 0));
    }
  }

  static void rmsNorm(Rows x, Rows weight, double eps, double offset, Rows y, int from, int to) {
    long w = weight == null ? 0 : VectorLinear.address(weight, 0, 0);
    int n = x.width();
    for (int r = from; r < to; r++) {
      long at = VectorLinear.address(x, r, 0);
      double square = (double) squares(at, n, 0) / n;
      transform(at, n, 0, (float) (1 / Math.sqrt(square + eps)), w, (float) offset, 0, VectorLinear.address(y, r, 0));
    }
  }

  private static float sum(long x, int n) {
    FloatVector sum = Lanes.zero();
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      sum = sum.add(Lanes.load(x + 4L * c));
    }
    if (body < n) {
      sum = sum.add(Lanes.load(x + 4L * body, Lanes.first(n - body)));
    }
    return Lanes.sum(sum, Desk.ofThread().room);
  }

  /** The sum of the squares of {@code x - mean}. */
  private static float squares(long x, int n, float mean) {
    FloatVector sum = Lanes.zero();
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      FloatVector d = Lanes.load(x + 4L * c).sub(mean);
      sum = d.fma(d, sum);
    }
    if (body < n) {
      VectorMask<Float> lanes = Lanes.first(n - body);
      FloatVector d = Lanes.load(x + 4L * body, lanes).sub(Lanes.all(mean), lanes);
      sum = d.fma(d, sum);
    }
    return Lanes.sum(sum, Desk.ofThread().room);
  }

  /** {@code y = (x - mean) * factor * (w + offset) + b}; an address of 0 stands for no weight or no bias. */
  private static void transform(long x, int n, float mean, float factor, long w, float offset, long b, long y) {
    for (int c = 0; c < n; c += Lanes.COUNT) {
      VectorMask<Float> lanes = Lanes.first(n - c);
      FloatVector v = Lanes.load(x + 4L * c, lanes).sub(mean).mul(factor);
      if (w != 0) {
        v = v.mul(Lanes.load(w + 4L * c, lanes).add(offset));
      }
      if (b != 0) {
        v = v.add(Lanes.load(b + 4L * c, lanes));
      }
      Lanes.store(v, y + 4L * c, lanes);
    }
  }
}
