package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** Reads neighbouring weights of one stored type as float32; of block types whole blocks. */
interface WeightRows {
  /** Elements {@code index .. index + n} of the row at {@code row} to {@code out[at ...]}. */
  void read(long row, long index, int n, float[] out, int at);

  WeightRows F32 = (row, index, n, out, at) -> {
    long in = row + 4 * index;
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      Lanes.load(in + 4L * c).intoArray(out, at + c);
    }
    if (body < n) {
      Lanes.load(in + 4L * body, Lanes.first(n - body)).intoArray(out, at + body, Lanes.first(n - body));
    }
  };

  WeightRows BF16 = (row, index, n, out, at) -> {
    long in = row + 2 * index;
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      Lanes.loadBf16(in + 2L * c).intoArray(out, at + c);
    }
    if (body < n) {
      Lanes.loadBf16(in + 2L * body, n - body).intoArray(out, at + body, Lanes.first(n - body));
    }
  };

  /** Element by element: the compiler finds the instruction that widens a vector of them. */
  WeightRows F16 = (row, index, n, out, at) -> {
    long in = row + 2 * index;
    for (int c = 0; c < n; c++) {
      out[at + c] = Lanes.getF16(in + 2L * c);
    }
  };

  WeightRows Q8_0 = (row, index, n, out, at) -> {
    long in = row + index / 32 * 34;
    for (int c = 0; c < n; c += 32) {
      FloatVector scale = Lanes.all(Lanes.getF16(in));
      for (int j = 0; j < 32; j += Lanes.COUNT) {
        Lanes.loadI8(in + 2 + j).mul(scale).intoArray(out, at + c + j);
      }
      in += 34;
    }
  };

  WeightRows Q4_0 = (row, index, n, out, at) -> {
    long in = row + index / 32 * 18;
    for (int c = 0; c < n; c += 32) {
      FloatVector scale = Lanes.all(Lanes.getF16(in));
      for (int j = 0; j < 16; j += Lanes.COUNT) {
        IntVector pairs = Lanes.loadBytes(in + 2 + j);
        Lanes.lowNibbles(pairs).mul(scale).intoArray(out, at + c + j);
        Lanes.highNibbles(pairs).mul(scale).intoArray(out, at + c + 16 + j);
      }
      in += 18;
    }
  };

  WeightRows I8_ROWS = (row, index, n, out, at) -> {
    float unit = Lanes.get(row - Float.BYTES);
    FloatVector units = Lanes.all(unit);
    long in = row + index;
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      Lanes.loadI8(in + c).mul(units).intoArray(out, at + c);
    }
    for (int c = body; c < n; c++) {
      out[at + c] = Lanes.getI8(in + c) * unit;
    }
  };
}
