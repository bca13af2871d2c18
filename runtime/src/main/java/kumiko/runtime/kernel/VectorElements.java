package kumiko.runtime.kernel;

import kumiko.runtime.graph.Activation;
import kumiko.runtime.tensor.Rows;

/**
 * Element-wise operations. An output may be one of the inputs.
 *
 * <p>Without the Vector API: rows are copied to arrays, a stretch at a time, and of a plain loop over arrays the compiler makes vector
 * instructions by itself. There is then no vector that it could keep as an object.
 */
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
        Memory.read(in + 4L * c, values, 0, n);
        VectorMath.activate(function, values, n, desk);
        Memory.write(values, 0, out + 4L * c, n);
      }
    }
  }

  static void gated(Activation function, Rows gate, Rows up, Rows y, int from, int to) {
    Desk desk = Desk.ofThread();
    float[] values = desk.values;
    float[] factors = desk.others;
    for (int r = from; r < to; r++) {
      long in = VectorLinear.address(gate, r, 0);
      long factor = VectorLinear.address(up, r, 0);
      long out = VectorLinear.address(y, r, 0);
      for (int c = 0; c < gate.width(); c += values.length) {
        int n = Math.min(values.length, gate.width() - c);
        Memory.read(in + 4L * c, values, 0, n);
        Memory.read(factor + 4L * c, factors, 0, n);
        VectorMath.activate(function, values, n, desk);
        multiply(values, factors, n);
        Memory.write(values, 0, out + 4L * c, n);
      }
    }
  }

  static void add(float scale, Rows a, Rows b, Rows y, int from, int to) {
    Desk desk = Desk.ofThread();
    float[] values = desk.values;
    for (int r = from; r < to; r++) {
      long left = VectorLinear.address(a, r, 0);
      long right = VectorLinear.address(b, r, 0);
      long out = VectorLinear.address(y, r, 0);
      for (int c = 0; c < a.width(); c += values.length) {
        int n = Math.min(values.length, a.width() - c);
        Memory.read(left + 4L * c, values, 0, n);
        Memory.read(right + 4L * c, desk.others, 0, n);
        addScaled(values, scale, desk.others, n);
        Memory.write(values, 0, out + 4L * c, n);
      }
    }
  }

  static void multiply(Rows a, Rows b, Rows y, int from, int to) {
    Desk desk = Desk.ofThread();
    float[] values = desk.values;
    for (int r = from; r < to; r++) {
      long left = VectorLinear.address(a, r, 0);
      long right = VectorLinear.address(b, r, 0);
      long out = VectorLinear.address(y, r, 0);
      for (int c = 0; c < a.width(); c += values.length) {
        int n = Math.min(values.length, a.width() - c);
        Memory.read(left + 4L * c, values, 0, n);
        Memory.read(right + 4L * c, desk.others, 0, n);
        multiply(values, desk.others, n);
        Memory.write(values, 0, out + 4L * c, n);
      }
    }
  }

  static void scale(Rows x, float factor, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      scaleRow(VectorLinear.address(x, r, 0), factor, VectorLinear.address(y, r, 0), x.width());
    }
  }

  static void scaleRow(long x, float factor, long y, int n) {
    float[] values = Desk.ofThread().values;
    for (int c = 0; c < n; c += values.length) {
      int taken = Math.min(values.length, n - c);
      Memory.read(x + 4L * c, values, 0, taken);
      scale(values, factor, taken);
      Memory.write(values, 0, y + 4L * c, taken);
    }
  }

  static void copy(Rows x, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      Memory.move(VectorLinear.address(x, r, 0), VectorLinear.address(y, r, 0), x.width());
    }
  }

  /** {@code y += x}, with x in an array. */
  static void addArray(float[] x, int from, long y, int n) {
    for (int c = 0; c < n; c++) {
      Memory.set(y + 4L * c, Memory.get(y + 4L * c) + x[from + c]);
    }
  }

  private static void addScaled(float[] x, float scale, float[] other, int n) {
    for (int c = 0; c < n; c++) {
      x[c] = x[c] * scale + other[c];
    }
  }

  private static void multiply(float[] x, float[] factor, int n) {
    for (int c = 0; c < n; c++) {
      x[c] *= factor[c];
    }
  }

  private static void scale(float[] x, float factor, int n) {
    for (int c = 0; c < n; c++) {
      x[c] *= factor;
    }
  }
}
