package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import kumiko.runtime.graph.Activation;
import kumiko.runtime.tensor.Rows;

/** Element-wise operations. An output may be one of the inputs. */
final class VectorElements {
  private VectorElements() {}

  static void activate(Activation function, Rows x, Rows y, int from, int to) {
    Desk desk = Desk.ofThread();
    float[] values = desk.values;
    for (int r = from; r < to; r++) {
      long in = VectorLinear.address(x, r, 0);
      long out = VectorLinear.address(y, r, 0);
      for (int c = 0; c < x.width(); c += values.length) {
        int n = Math.min(values.length, x.width() - c);
        WeightRows.F32.read(in + 4L * c, 0, n, values, 0);
        VectorMath.activate(function, values, n, desk);
        storeArray(values, 0, out + 4L * c, n);
      }
    }
  }

  static void gated(Activation function, Rows gate, Rows up, Rows y, int from, int to) {
    Desk desk = Desk.ofThread();
    float[] values = desk.values;
    for (int r = from; r < to; r++) {
      long in = VectorLinear.address(gate, r, 0);
      long factor = VectorLinear.address(up, r, 0);
      long out = VectorLinear.address(y, r, 0);
      for (int c = 0; c < gate.width(); c += values.length) {
        int n = Math.min(values.length, gate.width() - c);
        WeightRows.F32.read(in + 4L * c, 0, n, values, 0);
        VectorMath.activate(function, values, n, desk);
        WeightRows.F32.read(factor + 4L * c, 0, n, desk.exponents, 0);
        multiply(values, desk.exponents, n);
        storeArray(values, 0, out + 4L * c, n);
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
  static void storeArray(float[] x, int from, long y, int n) {
    for (int c = 0; c < n; c += Lanes.COUNT) {
      VectorMask<Float> lanes = Lanes.first(n - c);
      Lanes.store(FloatVector.fromArray(Lanes.F32, x, from + c, lanes), y + 4L * c, lanes);
    }
  }

  private static void multiply(float[] x, float[] factor, int n) {
    for (int c = 0; c < n; c++) {
      x[c] *= factor[c];
    }
  }
}
