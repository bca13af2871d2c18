package kumiko.runtime.run;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.kernel.Kernels;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;

/**
 * A linear layer, shared out by output columns: each thread reads its own rows of the weight.
 *
 * @param prepared what {@link Preparations} make of x, or null
 * @param residual null, or what {@code scale} times is under the product
 * @param inPlace whether y already holds the residual
 * @param splitK how few rows are shared out instead, or null
 */
record LinearStep(
    Kernels kernels,
    Matrix weight,
    Rows bias,
    Rows x,
    MemorySegment prepared,
    Parts y,
    Parts residual,
    double scale,
    boolean inPlace,
    boolean picked,
    SplitK splitK,
    Scratch scratch)
    implements
      Step {

  /** Weights below which a part is mostly beginning and ending, and the least and most columns to ask of one. */
  private static final int LEAST_WEIGHTS = 96 * 2048;

  private static final int FEW_COLUMNS = 32;
  private static final int ENOUGH_COLUMNS = 96;

  /** Where there are many threads their shares may be smaller, and still each is to have something that another can take over. */
  private static final int MOST_MERGED = Phase.PARTS_PER_WORKER / 2;

  /** Rows from which every task turns them all for its own columns, which takes as long as multiplying by sixteen of those. */
  private static final int MANY_ROWS = 32;

  @Override
  public void run(Call call, int from, int to, int parts, int worker) {
    int rows = call.rows(picked);
    if (splitK != null && rows > 0 && rows <= splitK.mostRows()) {
      if (splitK.run(rows, from, to, parts, bias, scratch.of(worker))) {
        if (residual != null) {
          place(residual.whole, y.whole, rows);
        }
        splitK.add(rows, y.whole, residual != null);
      }
      return;
    }
    int merged = merged(rows, parts);
    int first = Math.ceilDiv(from, merged) * merged;
    int end = Math.min(Math.ceilDiv(to, merged) * merged, y.count());
    if (first >= end || y.from(first) == y.from(end) || rows == 0) {
      return;
    }
    for (int p = first; p < end && residual != null; p++) {
      place(residual.columns(p), y.columns(p), rows);
    }
    MemorySegment ready = kernels.prepares(weight, rows) ? prepared : null;
    kernels.linear(weight, bias, x, y.whole, rows, y.from(first), y.from(end), residual != null, ready, scratch.of(worker));
  }

  /**
   * Parts that are always done as one. Small ones leave no thread waiting for another at the end; but what a part does with the activations
   * before it begins, where nobody has prepared them, it does again for each. A power of two, as it must not be that some threads have more
   * such to do than others.
   */
  private int merged(int rows, int parts) {
    if (parts == 1) {
      return y.count();
    }
    int least = Math.clamp(LEAST_WEIGHTS / weight.columns(), FEW_COLUMNS, ENOUGH_COLUMNS);
    int wide = Math.min(MOST_MERGED, powerOfTwo(Math.ceilDiv(least * parts, weight.rows())));
    if (rows >= MANY_ROWS) {
      return MOST_MERGED;
    }
    return rows == 1 || kernels.prepares(weight, rows) ? wide : Math.max(wide, MOST_MERGED / 2);
  }

  /** The least that is not below {@code count}. */
  private static int powerOfTwo(int count) {
    return Integer.highestOneBit(2 * count - 1);
  }

  private void place(Rows below, Rows target, int rows) {
    if (scale != 1) {
      kernels.scale(below, scale, target, 0, rows);
    } else if (!inPlace) {
      kernels.copy(below, target, 0, rows);
    }
  }

  @Override
  public long work(Call call) {
    return 2L * call.rows(picked) * weight.rows() * weight.columns();
  }
}
