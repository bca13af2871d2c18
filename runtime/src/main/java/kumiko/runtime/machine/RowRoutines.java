package kumiko.runtime.machine;

import kumiko.runtime.tensor.DType;

/**
 * Dot products of one row with rows of weights, by code like that of {@link DotCode}.
 *
 * @param single one row of weights after the other
 * @param streams several at a time from as many places; null where there is no such code
 * @param ahead as both ask
 */
record RowRoutines(Routine single, Routine streams, Ahead ahead) {
  /** Bytes of weights from which on several streams are worth their beginnings. */
  private static final long LEAST_BYTES = 64 << 10;

  /** As {@code code} is told how many rows it reads at a time. */
  @FunctionalInterface
  interface Code {
    void write(Assembler code, int streams);
  }

  static RowRoutines of(Code code, Ahead ahead, CodeInstaller installer) {
    int streams = ahead.rowStreams();
    return new RowRoutines(
        installer.install(to -> code.write(to, 1)), streams == 1 ? null : installer.install(to -> code.write(to, streams)), ahead);
  }

  /** See {@link StoredProduct#dots}; x is what the code takes for a row. */
  void dots(DType type, long weights, long stride, int rows, long x, int columns, long y) {
    int done = 0;
    if (streams != null && rows * stride >= LEAST_BYTES && Ahead.lieInLine(type, columns, stride)) {
      int each = rows / ahead.rowStreams();
      streams.call(weights, stride, each, x, columns, y);
      done = each * ahead.rowStreams();
    }
    if (done < rows) {
      long both = ahead.rowBytes(type, columns, stride) << Integer.SIZE | columns;
      single.call(weights + done * stride, stride, rows - done, x, both, y + (long) done * Float.BYTES);
    }
  }
}
