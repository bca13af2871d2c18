package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * {@link Kernels#linear}: results begin with the bias and every slab of the weight adds its part, so row ranges, column parts and sums
 * need no case of their own.
 */
final class VectorLinear {
  private static final WeightDots F32 = new F32Dots();
  private static final WeightDots BF16 = new Bf16Dots();
  private static final WeightDots F16 = new F16Dots();

  private VectorLinear() {}

  static void linear(Matrix weight, Rows bias, Rows x, Rows y, int rows, int from, int to, boolean accumulate, ScalarKernels scalar) {
    if (from >= to) {
      return;
    }
    begin(bias, y, rows, from, to, accumulate);
    WeightDots dots = dots(weight.dtype());
    for (int s = 0; s < weight.slabs().size(); s++) {
      Slab slab = weight.slabs().get(s);
      int first = Math.max(0, Math.ceilDiv(from - slab.row(), slab.rowStep()));
      int end = Math.min(slab.rows(), Math.ceilDiv(to - slab.row(), slab.rowStep()));
      if (first >= end) {
        continue;
      }
      if (dots != null && slab.columnStride() == 1) {
        rowMajor(dots, slab, x, y, rows, first, end);
      } else if (dots != null && slab.rowStride() == 1 && slab.rowStep() == 1) {
        columnMajor(dots, slab, x, y, rows, first, end);
      } else {
        scalar.addSlab(weight.dtype(), slab, x, y, rows, first, end);
      }
    }
  }

  private static WeightDots dots(DType type) {
    return switch (type) {
      case F32 -> F32;
      case BF16 -> BF16;
      case F16 -> F16;
      default -> null;
    };
  }

  private static void begin(Rows bias, Rows y, int rows, int from, int to, boolean accumulate) {
    if (accumulate && bias == null) {
      return;
    }
    for (int r = 0; r < rows; r++) {
      for (int c = from; c < to; c += Lanes.COUNT) {
        var lanes = Lanes.first(to - c);
        FloatVector start = bias == null ? Lanes.zero() : Lanes.load(address(bias, 0, c), lanes);
        long at = address(y, r, c);
        Lanes.store(accumulate ? Lanes.load(at, lanes).add(start) : start, at, lanes);
      }
    }
  }

  /** Blocks of weight rows stay in the nearest cache while every row of activations passes. */
  private static void rowMajor(WeightDots dots, Slab slab, Rows x, Rows y, int rows, int first, int end) {
    int size = dots.type().blockBytes();
    long stride = slab.rowStride() * size;
    long step = 4L * slab.rowStep();
    int n = slab.columns();
    int i = first;
    for (; i + 4 <= end; i += 4) {
      long w = slab.data().address() + (slab.offset() + i * slab.rowStride()) * size;
      for (int r = 0; r < rows; r++) {
        dots.four(w, stride, address(x, r, slab.column()), n, address(y, r, slab.row() + i * slab.rowStep()), step);
      }
    }
    for (; i < end; i++) {
      long w = slab.data().address() + (slab.offset() + i * slab.rowStride()) * size;
      for (int r = 0; r < rows; r++) {
        dots.one(w, address(x, r, slab.column()), n, address(y, r, slab.row() + i * slab.rowStep()));
      }
    }
  }

  private static void columnMajor(WeightDots dots, Slab slab, Rows x, Rows y, int rows, int first, int end) {
    int size = dots.type().blockBytes();
    long stride = slab.columnStride() * size;
    int n = slab.columns();
    int i = first;
    for (; i + 4 * Lanes.COUNT <= end; i += 4 * Lanes.COUNT) {
      long w = slab.data().address() + (slab.offset() + i) * size;
      for (int r = 0; r < rows; r++) {
        dots.columns(w, stride, address(x, r, slab.column()), n, address(y, r, slab.row() + i));
      }
    }
    for (; i < end; i += Lanes.COUNT) {
      long w = slab.data().address() + (slab.offset() + i) * size;
      int count = Math.min(Lanes.COUNT, end - i);
      for (int r = 0; r < rows; r++) {
        dots.fewColumns(w, stride, address(x, r, slab.column()), n, address(y, r, slab.row() + i), count);
      }
    }
  }

  static long address(Rows rows, int row, int column) {
    return rows.data().address() + 4 * (rows.offset() + (long) row * rows.stride() + column);
  }
}
