package kumiko.runtime.kernel;

/**
 * Copies rows of float32 into blocks as {@link MicroKernels} read them: twelve rows side by side for each step of the inner dimension,
 * at the end four, the last of them filled up with zeros.
 */
final class RowPacker {
  private RowPacker() {}

  /** {@code rows} rows of {@code depth} elements, {@code stride} bytes apart. */
  static void pack(long x, long stride, int rows, int depth, float[] block) {
    int r = 0;
    for (; r + 12 <= rows; r += 12) {
      for (int i = 0; i < 12; i += 4) {
        four(x + (r + i) * stride, stride, depth, block, r * depth + i, 12);
      }
    }
    for (; r + 4 <= rows; r += 4) {
      four(x + r * stride, stride, depth, block, r * depth, 4);
    }
    if (r < rows) {
      few(x + r * stride, stride, rows - r, depth, block, r * depth);
    }
  }

  private static void four(long x, long stride, int depth, float[] block, int at, int step) {
    for (int k = 0; k < depth; k++) {
      int i = at + step * k;
      block[i] = Lanes.get(x + 4L * k);
      block[i + 1] = Lanes.get(x + stride + 4L * k);
      block[i + 2] = Lanes.get(x + 2 * stride + 4L * k);
      block[i + 3] = Lanes.get(x + 3 * stride + 4L * k);
    }
  }

  private static void few(long x, long stride, int rows, int depth, float[] block, int at) {
    for (int k = 0; k < depth; k++) {
      for (int i = 0; i < 4; i++) {
        block[at + 4 * k + i] = i < rows ? Lanes.get(x + i * stride + 4L * k) : 0;
      }
    }
  }
}
