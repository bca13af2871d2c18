package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import kumiko.runtime.graph.Activation;
import kumiko.runtime.tensor.Rows;

/** Element-wise operations. An output may be one of the inputs. */
final class VectorElements {
  private VectorElements() {}

  static void activate(Activation function, Rows x, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      long in = VectorLinear.address(x, r, 0);
      long out = VectorLinear.address(y, r, 0);
      for (int c = 0; c < x.width(); c += Lanes.COUNT) {
        VectorMask<Float> lanes = Lanes.first(x.width() - c);
        Lanes.store(VectorMath.activate(function, Lanes.load(in + 4L * c, lanes)), out + 4L * c, lanes);
      }
    }
  }

  static void gated(Activation function, Rows gate, Rows up, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      long in = VectorLinear.address(gate, r, 0);
      long factor = VectorLinear.address(up, r, 0);
      long out = VectorLinear.address(y, r, 0);
      for (int c = 0; c < gate.width(); c += Lanes.COUNT) {
        VectorMask<Float> lanes = Lanes.first(gate.width() - c);
        FloatVector value = VectorMath.activate(function, Lanes.load(in + 4L * c, lanes));
        Lanes.store(value.mul(Lanes.load(factor + 4L * c, lanes)), out + 4L * c, lanes);
      }
    }
  }

  static void add(float scale, Rows a, Rows b, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      long left = VectorLinear.address(a, r, 0);
      long right = VectorLinear.address(b, r, 0);
      long out = VectorLinear.address(y, r, 0);
      for (int c = 0; c < a.width(); c += Lanes.COUNT) {
        VectorMask<Float> lanes = Lanes.first(a.width() - c);
        FloatVector sum = Lanes.load(left + 4L * c, lanes).mul(scale).add(Lanes.load(right + 4L * c, lanes));
        Lanes.store(sum, out + 4L * c, lanes);
      }
    }
  }

  static void multiply(Rows a, Rows b, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      long left = VectorLinear.address(a, r, 0);
      long right = VectorLinear.address(b, r, 0);
      long out = VectorLinear.address(y, r, 0);
      for (int c = 0; c < a.width(); c += Lanes.COUNT) {
        VectorMask<Float> lanes = Lanes.first(a.width() - c);
        Lanes.store(Lanes.load(left + 4L * c, lanes).mul(Lanes.load(right + 4L * c, lanes)), out + 4L * c, lanes);
      }
    }
  }

  static void scale(Rows x, float factor, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      scaleRow(VectorLinear.address(x, r, 0), factor, VectorLinear.address(y, r, 0), x.width());
    }
  }

  static void scaleRow(long x, float factor, long y, int n) {
    for (int c = 0; c < n; c += Lanes.COUNT) {
      VectorMask<Float> lanes = Lanes.first(n - c);
      Lanes.store(Lanes.load(x + 4L * c, lanes).mul(factor), y + 4L * c, lanes);
    }
  }

  static void copy(Rows x, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      copyRow(VectorLinear.address(x, r, 0), VectorLinear.address(y, r, 0), x.width());
    }
  }

  static void copyRow(long x, long y, int n) {
    for (int c = 0; c < n; c += Lanes.COUNT) {
      VectorMask<Float> lanes = Lanes.first(n - c);
      Lanes.store(Lanes.load(x + 4L * c, lanes), y + 4L * c, lanes);
    }
  }

  /** {@code y += x}, with x in an array. */
  static void addArray(float[] x, int from, long y, int n) {
    for (int c = 0; c < n; c += Lanes.COUNT) {
      VectorMask<Float> lanes = Lanes.first(n - c);
      Lanes.store(Lanes.load(y + 4L * c, lanes).add(FloatVector.fromArray(Lanes.F32, x, from + c, lanes)), y + 4L * c, lanes);
    }
  }

  /** {@code y = x}, with x in an array. */
  static void storeArray(float[] x, long y, int n) {
    for (int c = 0; c < n; c += Lanes.COUNT) {
      VectorMask<Float> lanes = Lanes.first(n - c);
      Lanes.store(FloatVector.fromArray(Lanes.F32, x, c, lanes), y + 4L * c, lanes);
    }
  }
}
