package kumiko.runtime.kernel;

/** Reads neighbouring weights of one stored type as float32. */
@FunctionalInterface
interface WeightRows {
  /** Elements {@code index .. index + n} of the row at {@code row} to {@code out[at ...]}. */
  void read(long row, long index, int n, float[] out, int at);

  WeightRows F32 = (row, index, n, out, at) -> Memory.read(row + 4 * index, out, at, n);

  WeightRows BF16 = (row, index, n, out, at) -> VectorWidening.bf16(row + 2 * index, n, out, at);

  /** Element by element: the compiler finds the instruction that widens a vector of them. */
  WeightRows F16 = (row, index, n, out, at) -> {
    long in = row + 2 * index;
    for (int c = 0; c < n; c++) {
      out[at + c] = Memory.getF16(in + 2L * c);
    }
  };

  WeightRows I8_ROWS = (row, index, n, out, at) -> VectorWidening.i8(row + index, Memory.get(row - Float.BYTES), n, out, at);
}
