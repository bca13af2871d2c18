package kumiko.runtime.kernel;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import kumiko.runtime.tensor.Rows;

/** LayerNorm and RMSNorm, a row at a time. */
final class VectorNorms {
  private VectorNorms() {}

  static void layerNorm(Rows x, Rows weight, Rows bias, double eps, Rows y, int from, int to) {
    Desk desk = Desk.ofThread();
    int n = x.width();
    float[] row = desk.rows(n);
    float[] factors = factors(desk, weight, 0, n);
    float[] sums = summands(desk, bias, n);
    for (int r = from; r < to; r++) {
      Memory.read(VectorLinear.address(x, r, 0), row, 0, n);
      float mean = sum(row, n, desk.room) / n;
      double variance = (double) squares(row, n, mean, desk.room) / n;
      transform(row, n, mean, (float) (1 / Math.sqrt(variance + eps)), factors, sums);
      Memory.write(row, 0, VectorLinear.address(y, r, 0), n);
    }
  }

  static void rmsNorm(Rows x, Rows weight, double eps, double offset, Rows y, int from, int to) {
    Desk desk = Desk.ofThread();
    int n = x.width();
    float[] row = desk.rows(n);
    float[] factors = factors(desk, weight, (float) offset, n);
    float[] sums = summands(desk, null, n);
    for (int r = from; r < to; r++) {
      Memory.read(VectorLinear.address(x, r, 0), row, 0, n);
      double square = (double) squares(row, n, 0, desk.room) / n;
      transform(row, n, 0, (float) (1 / Math.sqrt(square + eps)), factors, sums);
      Memory.write(row, 0, VectorLinear.address(y, r, 0), n);
    }
  }

  private static float[] factors(Desk desk, Rows weight, float offset, int n) {
    float[] factors = desk.weights(n);
    if (weight == null) {
      Arrays.fill(factors, 0, n, 1);
      return factors;
    }
    Memory.read(VectorLinear.address(weight, 0, 0), factors, 0, n);
    for (int c = 0; c < n; c++) {
      factors[c] += offset;
    }
    return factors;
  }

  private static float[] summands(Desk desk, Rows bias, int n) {
    float[] sums = desk.scores(n);
    if (bias == null) {
      Arrays.fill(sums, 0, n, 0);
    } else {
      Memory.read(VectorLinear.address(bias, 0, 0), sums, 0, n);
    }
    return sums;
  }

  /** The sum in one order always; too long to be inlined, as {@link Lanes} asks. */
  private static float sum(float[] x, int n, float[] room) {
    FloatVector a = Lanes.zero();
    FloatVector b = Lanes.zero();
    FloatVector c = Lanes.zero();
    FloatVector d = Lanes.zero();
    FloatVector e = Lanes.zero();
    FloatVector f = Lanes.zero();
    FloatVector g = Lanes.zero();
    FloatVector h = Lanes.zero();
    int i = 0;
    for (; i + 8 * Lanes.COUNT <= n; i += 8 * Lanes.COUNT) {
      a = a.add(FloatVector.fromArray(Lanes.F32, x, i));
      b = b.add(FloatVector.fromArray(Lanes.F32, x, i + Lanes.COUNT));
      c = c.add(FloatVector.fromArray(Lanes.F32, x, i + 2 * Lanes.COUNT));
      d = d.add(FloatVector.fromArray(Lanes.F32, x, i + 3 * Lanes.COUNT));
      e = e.add(FloatVector.fromArray(Lanes.F32, x, i + 4 * Lanes.COUNT));
      f = f.add(FloatVector.fromArray(Lanes.F32, x, i + 5 * Lanes.COUNT));
      g = g.add(FloatVector.fromArray(Lanes.F32, x, i + 6 * Lanes.COUNT));
      h = h.add(FloatVector.fromArray(Lanes.F32, x, i + 7 * Lanes.COUNT));
    }
    for (; i + Lanes.COUNT <= n; i += Lanes.COUNT) {
      a = a.add(FloatVector.fromArray(Lanes.F32, x, i));
    }
    a.add(b).add(c.add(d)).add(e.add(f).add(g.add(h))).intoArray(room, 0);
    float sum = Lanes.sum(room, 0);
    for (; i < n; i++) {
      sum += x[i];
    }
    return sum;
  }

  /** The sum of the squares of {@code x - mean}, likewise. */
  private static float squares(float[] x, int n, float mean, float[] room) {
    FloatVector middle = Lanes.all(mean);
    FloatVector a = Lanes.zero();
    FloatVector b = Lanes.zero();
    FloatVector c = Lanes.zero();
    FloatVector d = Lanes.zero();
    FloatVector e = Lanes.zero();
    FloatVector f = Lanes.zero();
    int i = 0;
    for (; i + 6 * Lanes.COUNT <= n; i += 6 * Lanes.COUNT) {
      FloatVector ofA = FloatVector.fromArray(Lanes.F32, x, i).sub(middle);
      FloatVector ofB = FloatVector.fromArray(Lanes.F32, x, i + Lanes.COUNT).sub(middle);
      FloatVector ofC = FloatVector.fromArray(Lanes.F32, x, i + 2 * Lanes.COUNT).sub(middle);
      FloatVector ofD = FloatVector.fromArray(Lanes.F32, x, i + 3 * Lanes.COUNT).sub(middle);
      FloatVector ofE = FloatVector.fromArray(Lanes.F32, x, i + 4 * Lanes.COUNT).sub(middle);
      FloatVector ofF = FloatVector.fromArray(Lanes.F32, x, i + 5 * Lanes.COUNT).sub(middle);
      a = ofA.fma(ofA, a);
      b = ofB.fma(ofB, b);
      c = ofC.fma(ofC, c);
      d = ofD.fma(ofD, d);
      e = ofE.fma(ofE, e);
      f = ofF.fma(ofF, f);
    }
    for (; i + Lanes.COUNT <= n; i += Lanes.COUNT) {
      FloatVector next = FloatVector.fromArray(Lanes.F32, x, i).sub(middle);
      a = next.fma(next, a);
    }
    a.add(b).add(c.add(d)).add(e.add(f)).intoArray(room, 0);
    float sum = Lanes.sum(room, 0);
    for (; i < n; i++) {
      sum += (x[i] - mean) * (x[i] - mean);
    }
    return sum;
  }

  private static void transform(float[] x, int n, float mean, float factor, float[] factors, float[] sums) {
    for (int c = 0; c < n; c++) {
      x[c] = (x[c] - mean) * factor * factors[c] + sums[c];
    }
  }
}
