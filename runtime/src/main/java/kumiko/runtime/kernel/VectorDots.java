package kumiko.runtime.kernel;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** The product of few rows of activations with a slab of weights, which is read once from memory, from where it lies. */
final class VectorDots {
  /** Weight rows that stay in the nearest caches while every row of activations meets them. */
  private static final int BLOCK = 64;

  /** Weights of a row that are converted at a time, where several rows of activations share them. */
  private static final int CHUNK = 1024;

  private VectorDots() {}

  /** {@code y += x w^T} for rows {@code [first, end)} of a slab whose rows lie in order. */
  static void rowMajor(Format format, Slab slab, Rows x, Rows y, int rows, int first, int end) {
    Desk desk = Desk.ofThread();
    float[] in = copyRows(desk, x, slab, rows);
    int n = slab.columns();
    long stride = format.bytes(slab.rowStride());
    boolean shared = rows >= 4 && n % Lanes.COUNT == 0;
    for (int i = first; i < end; i += BLOCK) {
      int count = Math.min(BLOCK, end - i);
      long w = slab.data().address() + format.bytes(slab.offset() + i * slab.rowStride());
      int column = slab.row() + i * slab.rowStep();
      int r = 0;
      for (; shared && r + 4 <= rows; r += 4) {
        fourRows(format, w, stride, count, in, r * n, n, desk);
        for (int j = 0; j < 4; j++) {
          add(desk.results(), j * BLOCK, count, y, r + j, column, slab.rowStep());
        }
      }
      for (; r < rows; r++) {
        format.dots().rows(w, stride, count, in, r * n, n, desk.results(), 0, desk.room);
        add(desk.results(), 0, count, y, r, column, slab.rowStep());
      }
    }
  }

  /** Four rows of activations with {@code count} weight rows; each four of these are converted once. */
  private static void fourRows(Format format, long w, long stride, int count, float[] x, int from, int n, Desk desk) {
    float[] weights = desk.weights(4 * CHUNK);
    for (int i = 0; i < count; i += 4) {
      int taken = Math.min(4, count - i);
      Arrays.fill(desk.sums, 0);
      for (int k = 0; k < n; k += CHUNK) {
        int length = Math.min(CHUNK, n - k);
        for (int j = 0; j < taken; j++) {
          format.rows().read(w + (i + j) * stride, k, length, weights, j * CHUNK);
        }
        MicroKernels.dots(x, from + k, n, weights, CHUNK, length, desk.sums);
      }
      for (int j = 0; j < 16; j++) {
        if (j % 4 < taken) {
          FloatVector lanes = FloatVector.fromArray(Lanes.F32, desk.sums, j * Lanes.COUNT);
          desk.results()[j / 4 * BLOCK + i + j % 4] = Lanes.sum(lanes, desk.room);
        }
      }
    }
  }

  private static void add(float[] results, int from, int count, Rows y, int row, int column, int step) {
    long at = VectorLinear.address(y, row, column);
    if (step == 1) {
      VectorElements.addArray(results, from, at, count);
      return;
    }
    for (int c = 0; c < count; c++) {
      Lanes.set(at + 4L * c * step, Lanes.get(at + 4L * c * step) + results[from + c]);
    }
  }

  /** The same for a slab whose columns lie in order: neighbouring results take in one activation after the other. */
  static void columnMajor(Format format, Slab slab, Rows x, Rows y, int rows, int first, int end) {
    Desk desk = Desk.ofThread();
    float[] in = copyRows(desk, x, slab, rows);
    int n = slab.columns();
    for (int i = first; i < end; i += BLOCK) {
      int count = Math.min(BLOCK, end - i);
      long w = slab.data().address() + format.bytes(slab.offset() + i);
      for (int r = 0; r < rows; r++) {
        format.dots().columns(w, format.bytes(slab.columnStride()), count, in, r * n, n, desk.results());
        VectorElements.addArray(desk.results(), 0, VectorLinear.address(y, r, slab.row() + i), count);
      }
    }
  }

  private static float[] copyRows(Desk desk, Rows x, Slab slab, int rows) {
    float[] to = desk.rows(rows * slab.columns());
    for (int r = 0; r < rows; r++) {
      WeightRows.F32.read(VectorLinear.address(x, r, slab.column()), 0, slab.columns(), to, r * slab.columns());
    }
    return to;
  }
}
