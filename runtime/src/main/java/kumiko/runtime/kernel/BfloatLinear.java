package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.machine.MachineCode;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * {@link Kernels#linear} with {@link Arithmetic#BFLOAT16}: by machine code where there is some and the weight lies so that it can be
 * read, otherwise the activations are rounded and multiplied as in float32.
 */
final class BfloatLinear {
  /** Rows below which the vector kernels wait for memory only. */
  static final int LEAST_ROWS = 2;

  private static final ThreadLocal<RoundedRows> ROUNDED = ThreadLocal.withInitial(RoundedRows::new);

  private static final int INFINITY = 0x7f80_0000;

  private final VectorLinear floats;
  private final String description;

  /** Null where there is no machine code, and so is {@link #gemm}. */
  private final StoredEights few;

  private final PanelGemm gemm;

  BfloatLinear(MachineCode code, VectorLinear floats) {
    this.floats = floats;
    description = code.pairs().describe();
    PairProducts pairs = code.pairs().orNull();
    few = pairs == null ? null : new StoredEights(pairs);
    gemm = pairs == null ? null : new PanelGemm(new PanelOperands.Pairs(pairs));
  }

  String describe() {
    return description;
  }

  void linear(
      Matrix weight,
      Rows bias,
      Rows x,
      Rows y,
      int rows,
      int from,
      int to,
      boolean accumulate,
      ScalarLinear scalar,
      MemorySegment scratch) {
    if (from >= to) {
      return;
    }
    if (!isForMachine(weight, rows)) {
      Rows rounded = ROUNDED.get().over(scratch, x.width());
      round(x, rounded, rows);
      floats.linear(weight, bias, rounded, y, rows, from, to, accumulate, scalar, scratch.address() + roundedBytes(weight, rows));
      return;
    }
    VectorLinear.begin(bias, y, rows, from, to, accumulate);
    for (int s = 0; s < weight.slabs().size(); s++) {
      Slab slab = weight.slabs().get(s);
      int first = Math.max(0, Math.ceilDiv(from - slab.row(), slab.rowStep()));
      int end = Math.min(slab.rows(), Math.ceilDiv(to - slab.row(), slab.rowStep()));
      if (rows <= StoredEights.MOST_ROWS && slab.columnStride() == 1) {
        few.multiply(DType.BF16, slab, x, y, rows, first, end, scratch.address());
      } else {
        gemm.multiply(DType.BF16, slab, x, y, rows, first, end, scratch.address());
      }
    }
  }

  long scratchBytes(Matrix weight, int rows) {
    int few = isForMachine(weight, rows) ? LEAST_ROWS - 1 : rows;
    long rounded = roundedBytes(weight, few) + floats.scratchBytes(weight, few);
    return gemm == null ? rounded : Math.max(rounded, Math.max(StoredEights.scratchBytes(weight.columns()), gemm.scratchBytes(rows)));
  }

  private static long roundedBytes(Matrix weight, int rows) {
    return (long) rows * weight.columns() * Float.BYTES;
  }

  private boolean isForMachine(Matrix weight, int rows) {
    if (gemm == null || rows < LEAST_ROWS) {
      return false;
    }
    for (int s = 0; s < weight.slabs().size(); s++) {
      Slab slab = weight.slabs().get(s);
      if (slab.columnStride() != 1 && slab.rowStride() != 1) {
        return false;
      }
    }
    return true;
  }

  /** {@code y = x} rounded to the numbers of bf16; a NaN stays one. */
  static void round(Rows x, Rows y, int rows) {
    for (int r = 0; r < rows; r++) {
      roundRow(VectorLinear.address(x, r, 0), VectorLinear.address(y, r, 0), x.width());
    }
  }

  private static void roundRow(long x, long y, int width) {
    int[] bits = Desk.ofThread().bits;
    for (int c = 0; c < width; c += bits.length) {
      int n = Math.min(bits.length, width - c);
      Lanes.read(x + 4L * c, bits, n);
      round(bits, n);
      Lanes.write(bits, y + 4L * c, n);
    }
  }

  /** Half of the last bit that stays is added, less a little where that bit is even; to a NaN, whose bits would overflow, nothing. */
  private static void round(int[] bits, int n) {
    for (int i = 0; i < n; i++) {
      int b = bits[i];
      int nan = (INFINITY - (b & Integer.MAX_VALUE)) >> 31;
      bits[i] = (b + ((0x7fff + ((b >>> 16) & 1)) & ~nan)) & (0xffff_0000 | nan);
    }
  }
}
