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
    float[] room = Desk.ofThread().room;
    for (int r = from; r < to; r++) {
      roundRow(VectorLinear.address(x, r, 0), threshold, VectorLinear.address(y, r, 0), x.width(), room);
    }
  }

  /** The largest magnitude below the threshold first, NaN if there is one; then the levels. */
  private static void roundRow(long x, float threshold, long y, int n, float[] room) {
    FloatVector limit = FloatVector.broadcast(Lanes.F32, threshold);
    FloatVector most = Lanes.zero();
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      FloatVector magnitude = Lanes.load(x + 4L * c).abs();
      most = most.max(magnitude.blend(0f, magnitude.compare(VectorOperators.GE, limit)));
    }
    most.intoArray(room, 0);
    float largest = largest(x, threshold, body, n, room);
    if (Float.isInfinite(127 / largest)) {
      Memory.move(x, y, n);
      return;
    }
    FloatVector levels = FloatVector.broadcast(Lanes.F32, 127 / largest);
    FloatVector units = FloatVector.broadcast(Lanes.F32, largest / 127);
    FloatVector nearest = FloatVector.broadcast(Lanes.F32, NEAREST);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      FloatVector value = Lanes.load(x + 4L * c);
      FloatVector rounded = value.mul(levels).add(nearest).sub(nearest).mul(units);
      Lanes.store(rounded.blend(value, value.abs().compare(VectorOperators.GE, limit)), y + 4L * c);
    }
    for (int c = body; c < n; c++) {
      float value = Memory.get(x + 4L * c);
      float rounded = (value * (127 / largest) + NEAREST - NEAREST) * (largest / 127);
      Memory.set(y + 4L * c, Math.abs(value) >= threshold ? value : rounded);
    }
  }

  private static float largest(long x, float threshold, int body, int n, float[] room) {
    float largest = 0;
    for (float lane : room) {
      largest = Math.max(largest, lane);
    }
    for (int c = body; c < n; c++) {
      float magnitude = Math.abs(Memory.get(x + 4L * c));
      largest = magnitude >= threshold ? largest : Math.max(largest, magnitude);
    }
    return largest;
  }
}
