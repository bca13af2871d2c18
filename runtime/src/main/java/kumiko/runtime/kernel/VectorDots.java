package kumiko.runtime.kernel;

import java.util.Arrays;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** The product of few rows of activations with a slab of weights, which is read once from memory, from where it lies. */
final class VectorDots {
  /** Weight rows that stay in the nearest caches while every row of activations meets them. */
  private static final int BLOCK = 64;

  /** Rows of activations that meet a weight together. */
  private static final int EIGHT = 8;

  private VectorDots() {}

  /** {@code y += x w^T} for rows {@code [first, end)} of a slab whose rows lie in order. */
  static void rowMajor(Format format, Slab slab, Rows x, Rows y, int rows, int first, int end) {
    Desk desk = Desk.ofThread();
    boolean together = rows > 1 && slab.columns() % Lanes.COUNT == 0;
    float[] in = together ? interleave(desk, x, slab, rows) : copyRows(desk, x, slab, rows);
    for (int i = first; i < end; i += BLOCK) {
      int count = Math.min(BLOCK, end - i);
      long w = slab.data().address() + format.bytes(slab.offset() + i * slab.rowStride());
      int column = slab.row() + i * slab.rowStep();
      for (int r = 0; r < rows; r += together ? EIGHT : 1) {
        if (together) {
          eight(format, w, format.bytes(slab.rowStride()), count, in, r * slab.columns(), slab.columns(), desk);
        } else {
          format.dots().rows(w, format.bytes(slab.rowStride()), count, in, r * slab.columns(), slab.columns(), desk.results(), 0,
              desk.room);
        }
        for (int j = 0; j < (together ? Math.min(EIGHT, rows - r) : 1); j++) {
          add(desk.results(), j * BLOCK, count, y, r + j, column, slab.rowStep());
        }
      }
    }
  }

  private static void eight(Format format, long w, long stride, int count, float[] x, int from, int n, Desk desk) {
    float[] sums = desk.sums;
    for (int i = 0; i < count; i += 3) {
      int taken = Math.min(3, count - i);
      format.dots().eight(w + i * stride, stride, taken - 1, x, from, n, sums);
      for (int r = 0; r < EIGHT; r++) {
        for (int j = 0; j < taken; j++) {
          desk.results()[r * BLOCK + i + j] = Lanes.sum(sums, (3 * r + j) * Lanes.COUNT);
        }
      }
    }
  }

  /** Rows of activations in eights, a vector of each in turn; rows that are missing from the last eight are zero. */
  private static float[] interleave(Desk desk, Rows x, Slab slab, int rows) {
    int n = slab.columns();
    int groups = Math.ceilDiv(rows, EIGHT);
    float[] to = desk.rows(groups * EIGHT * n);
    float[] row = desk.weights(n);
    for (int r = 0; r < groups * EIGHT; r++) {
      int at = r / EIGHT * EIGHT * n + r % EIGHT * Lanes.COUNT;
      if (r < rows) {
        Memory.read(VectorLinear.address(x, r, slab.column()), row, 0, n);
        interleaveRow(row, n, to, at);
      } else {
        for (int k = 0; k < n; k += Lanes.COUNT) {
          Arrays.fill(to, at + EIGHT * k, at + EIGHT * k + Lanes.COUNT, 0);
        }
      }
    }
    return to;
  }

  private static void interleaveRow(float[] row, int n, float[] to, int at) {
    for (int k = 0; k < n; k += Lanes.COUNT) {
      System.arraycopy(row, k, to, at + EIGHT * k, Lanes.COUNT);
    }
  }

  private static void add(float[] results, int from, int count, Rows y, int row, int column, int step) {
    long at = VectorLinear.address(y, row, column);
    if (step == 1) {
      VectorElements.addArray(results, from, at, count);
      return;
    }
    for (int c = 0; c < count; c++) {
      Memory.set(at + 4L * c * step, Memory.get(at + 4L * c * step) + results[from + c]);
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
      Memory.read(VectorLinear.address(x, r, slab.column()), to, r * slab.columns(), slab.columns());
    }
    return to;
  }
}
