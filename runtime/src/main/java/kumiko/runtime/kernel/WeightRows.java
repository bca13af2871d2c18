package kumiko.runtime.kernel;

/** Reads neighbouring weights of one stored type as float32. */
interface WeightRows {
  /** Elements {@code index .. index + n} of the memory at {@code data} to {@code out[at ...]}. */
  void read(long data, long index, int n, float[] out, int at);

  WeightRows F32 = (data, index, n, out, at) -> {
    long in = data + 4 * index;
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      Lanes.load(in + 4L * c).intoArray(out, at + c);
    }
    if (body < n) {
      Lanes.load(in + 4L * body, Lanes.first(n - body)).intoArray(out, at + body, Lanes.first(n - body));
    }
  };

  WeightRows BF16 = (data, index, n, out, at) -> {
    long in = data + 2 * index;
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      Lanes.loadBf16(in + 2L * c).intoArray(out, at + c);
    }
    if (body < n) {
      Lanes.loadBf16(in + 2L * body, n - body).intoArray(out, at + body, Lanes.first(n - body));
    }
  };

  WeightRows F16 = (data, index, n, out, at) -> {
    long in = data + 2 * index;
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      Lanes.loadF16(in + 2L * c).intoArray(out, at + c);
    }
    if (body < n) {
      Lanes.loadF16(in + 2L * body, n - body).intoArray(out, at + body, Lanes.first(n - body));
    }
  };
}
