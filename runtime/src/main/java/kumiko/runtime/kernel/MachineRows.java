package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.graph.Activation;
import kumiko.runtime.graph.Pairing;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.RowFunctions;
import kumiko.runtime.tensor.Rows;

/** Work in which every row stands alone, by machine code: it is as quick in the first token as in the last. */
final class MachineRows {
  private final RowFunctions functions;

  MachineRows(FloatProducts products) {
    functions = products.rows();
  }

  void layerNorm(Rows x, Rows weight, Rows bias, double eps, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      functions.layerNorm(
          VectorLinear.address(x, r, 0), vector(weight), vector(bias), (float) eps, VectorLinear.address(y, r, 0), x.width());
    }
  }

  void rmsNorm(Rows x, Rows weight, double eps, double offset, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      functions.rmsNorm(
          VectorLinear.address(x, r, 0), vector(weight), (float) eps, (float) offset, VectorLinear.address(y, r, 0), x.width());
    }
  }

  private static long vector(Rows rows) {
    return rows == null ? MemorySegment.NULL.address() : VectorLinear.address(rows, 0, 0);
  }

  void activate(Activation function, Rows x, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      functions.activate(function, VectorLinear.address(x, r, 0), VectorLinear.address(y, r, 0), x.width());
    }
  }

  void gated(Activation function, Rows gate, Rows up, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      functions.gated(
          function, VectorLinear.address(gate, r, 0), VectorLinear.address(up, r, 0), VectorLinear.address(y, r, 0), gate.width());
    }
  }

  void add(float scale, Rows a, Rows b, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      functions.add(scale, VectorLinear.address(a, r, 0), VectorLinear.address(b, r, 0), VectorLinear.address(y, r, 0), a.width());
    }
  }

  void multiply(Rows a, Rows b, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      functions.multiply(VectorLinear.address(a, r, 0), VectorLinear.address(b, r, 0), VectorLinear.address(y, r, 0), a.width());
    }
  }

  void scale(Rows x, float factor, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      functions.scale(VectorLinear.address(x, r, 0), factor, VectorLinear.address(y, r, 0), x.width());
    }
  }

  void rotate(Rows x, Rows angles, int headDim, int first, Pairing pairing, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      long in = VectorLinear.address(x, r, 0);
      long out = VectorLinear.address(y, r, 0);
      if (in != out) {
        Memory.move(in, out, x.width());
      }
      functions.rotate(pairing, out + 4L * first, headDim, x.width() / headDim, VectorLinear.address(angles, r, 0), angles.width() / 2);
    }
  }
}
