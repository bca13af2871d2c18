package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
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
    FloatVector most = Lanes.zero();
    for (int c = 0; c < n; c += Lanes.COUNT) {
      FloatVector magnitude = Lanes.load(x + 4L * c, Lanes.first(n - c)).abs();
      most = most.max(magnitude.blend(0, magnitude.compare(VectorOperators.GE, threshold)));
    }
    float[] room = Desk.ofThread().room;
    most.intoArray(room, 0);
    float largest = 0;
    for (float lane : room) {
      largest = Math.max(largest, lane);
    }
    return largest;
  }

  private static void round(long x, float threshold, float toLevel, float unit, long y, int n) {
    for (int c = 0; c < n; c += Lanes.COUNT) {
      VectorMask<Float> lanes = Lanes.first(n - c);
      FloatVector value = Lanes.load(x + 4L * c, lanes);
      VectorMask<Float> outliers = value.abs().compare(VectorOperators.GE, threshold);
      FloatVector level = value.mul(toLevel).add(NEAREST).sub(NEAREST);
      Lanes.store(level.mul(unit).blend(value, outliers), y + 4L * c, lanes);
    }
  }
}
