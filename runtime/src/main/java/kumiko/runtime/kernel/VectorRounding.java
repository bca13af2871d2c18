package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import kumiko.runtime.tensor.Rows;

/** {@link Kernels#roundInt8}, to the same levels as its definition. */
final class VectorRounding {
  /** Added and taken away again, it leaves the nearest whole number, the even one of two: float32 has no room for more. */
  private static final float NEAREST = 0x1.8p23f;

  private VectorRounding() {}

  static void roundInt8(Rows x, float threshold, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      long in = VectorLinear.address(x, r, 0);
      float largest = largest(in, threshold, x.width());
      if (Float.isInfinite(127 / largest)) {
        VectorElements.copyRow(in, VectorLinear.address(y, r, 0), x.width());
      } else {
        round(in, threshold, 127 / largest, largest / 127, VectorLinear.address(y, r, 0), x.width());
      }
    }
  }

  /** The largest magnitude below the threshold; NaN if there is one. */
  private static float largest(long x, float threshold, int n) {
    FloatVector limit = Lanes.all(threshold);
    FloatVector most = Lanes.zero();
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      FloatVector magnitude = Lanes.load(x + 4L * c).abs();
      most = most.max(magnitude.blend(Lanes.zero(), magnitude.compare(VectorOperators.GE, limit)));
    }
    float[] room = Desk.ofThread().room;
    most.intoArray(room, 0);
    float largest = 0;
    for (float lane : room) {
      largest = Math.max(largest, lane);
    }
    for (int c = body; c < n; c++) {
      float magnitude = Math.abs(Lanes.get(x + 4L * c));
      largest = magnitude >= threshold ? largest : Math.max(largest, magnitude);
    }
    return largest;
  }

  private static void round(long x, float threshold, float toLevel, float unit, long y, int n) {
    FloatVector limit = Lanes.all(threshold);
    FloatVector levels = Lanes.all(toLevel);
    FloatVector units = Lanes.all(unit);
    FloatVector nearest = Lanes.all(NEAREST);
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      FloatVector value = Lanes.load(x + 4L * c);
      FloatVector rounded = value.mul(levels).add(nearest).sub(nearest).mul(units);
      Lanes.store(rounded.blend(value, value.abs().compare(VectorOperators.GE, limit)), y + 4L * c);
    }
    for (int c = body; c < n; c++) {
      float value = Lanes.get(x + 4L * c);
      float rounded = (value * toLevel + NEAREST - NEAREST) * unit;
      Lanes.set(y + 4L * c, Math.abs(value) >= threshold ? value : rounded);
    }
  }
}
