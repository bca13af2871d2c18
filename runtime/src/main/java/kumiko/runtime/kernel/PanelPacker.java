package kumiko.runtime.kernel;

/**
 * Copies rows of float32 into panels as {@link MicroKernels} read them: {@link VectorGemm#PANEL} rows side by side for each step of the
 * inner dimension. What the last panel holds beyond the last row is left as it was: it only reaches sums that nobody reads.
 */
final class PanelPacker {
  private PanelPacker() {}

  /** {@code rows} rows of {@code depth} elements, {@code stride} bytes apart. */
  static void pack(long x, long stride, int rows, int depth, float[] panels) {
    int r = 0;
    for (; r + 4 <= rows; r += 4) {
      four(x + r * stride, stride, depth, panels, place(r, depth));
    }
    for (; r < rows; r++) {
      one(x + r * stride, depth, panels, place(r, depth));
    }
  }

  private static int place(int row, int depth) {
    return row / VectorGemm.PANEL * VectorGemm.PANEL * depth + row % VectorGemm.PANEL;
  }

  private static void four(long x, long stride, int depth, float[] panels, int at) {
    for (int k = 0; k < depth; k++) {
      int i = at + VectorGemm.PANEL * k;
      panels[i] = Memory.get(x + 4L * k);
      panels[i + 1] = Memory.get(x + stride + 4L * k);
      panels[i + 2] = Memory.get(x + 2 * stride + 4L * k);
      panels[i + 3] = Memory.get(x + 3 * stride + 4L * k);
    }
  }

  private static void one(long x, int depth, float[] panels, int at) {
    for (int k = 0; k < depth; k++) {
      panels[at + VectorGemm.PANEL * k] = Memory.get(x + 4L * k);
    }
  }
}
