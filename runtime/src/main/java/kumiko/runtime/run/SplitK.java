package kumiko.runtime.run;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import kumiko.runtime.kernel.Kernels;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;

/**
 * Few rows by a weight that lies in columns (GPT-2's), so that what is read in order is all outputs of one input after another: shared out by
 * inputs. Each piece of them has sums of its own for all outputs, which whoever does the last piece adds to the result, in their order.
 *
 * <p>Routines called by a C program read 0.5 to 0.6 of what one that only adds read, where two threads had half of the outputs each, and 0.9 to
 * 1.0 with half of the inputs (bf16, one row, layers of GPT-2 124M, a Xeon before Granite Rapids). On Zen 5 a step of eight rows takes a quarter less
 * time so, by turns.
 */
final class SplitK {
  /** Pieces of the inputs, the same however many threads there are, as sums depend on them. */
  static final int PIECES = 8;

  /** Inputs that no two pieces share. */
  private static final int INPUTS = 4;

  private static final int LEAST_INPUTS = 16 * PIECES;

  /** Outputs that no two threads share. */
  private static final int OUTPUTS = 32;

  /** Elements between rows of sums: without, those of 3072 outputs would share few lines of the nearest cache, and took half as long again. */
  private static final int GAP = 32;

  private final Kernels kernels;
  private final int mostRows;
  private final Matrix[] weights = new Matrix[PIECES];
  private final Rows[] x = new Rows[PIECES];
  private final Rows[] sums = new Rows[PIECES];
  private final AtomicInteger done = new AtomicInteger();

  /** @param memory of {@link #elements}, which nobody else uses meanwhile */
  SplitK(Kernels kernels, Matrix weight, Rows x, MemorySegment memory) {
    this.kernels = kernels;
    mostRows = kernels.rowsInPieces(weight);
    for (int p = 0; p < PIECES; p++) {
      int from = Step.cut(weight.columns(), INPUTS, p, PIECES);
      int count = Step.cut(weight.columns(), INPUTS, p + 1, PIECES) - from;
      weights[p] = weight.columns(from, count);
      this.x[p] = x.columns(from, count);
      sums[p] = new Rows(memory, (long) p * mostRows * stride(weight), weight.rows(), stride(weight));
    }
  }

  /** Whether the weight lies so, and has enough inputs, and sums of pieces are as good as those of all. */
  static boolean suits(Kernels kernels, Matrix weight) {
    return kernels.rowsInPieces(weight) > 0 && weight.slabs().getFirst().columnStride() != 1 && weight.columns() >= LEAST_INPUTS;
  }

  static long elements(Kernels kernels, Matrix weight) {
    return (long) PIECES * kernels.rowsInPieces(weight) * stride(weight);
  }

  private static int stride(Matrix weight) {
    return weight.rows() + GAP;
  }

  /** Up to how many rows are multiplied so, at least 1. */
  int mostRows() {
    return mostRows;
  }

  /** Parts as {@link Step#run} counts them. Returns whether they were the last, after which {@link #add} has all there is. */
  boolean run(int rows, int from, int to, int parts, Rows bias, MemorySegment scratch) {
    // More threads than pieces share out the outputs as well.
    int strips = Math.ceilDiv(Math.ceilDiv(parts, Phase.PARTS_PER_WORKER), PIECES);
    int units = strips * PIECES;
    int first = Math.ceilDiv(from * units, parts);
    int end = Math.ceilDiv(to * units, parts);
    for (int unit = first; unit < end; unit++) {
      int p = unit / strips;
      int outputs = sums[p].width();
      int begin = Step.cut(outputs, OUTPUTS, unit % strips, strips);
      int behind = Step.cut(outputs, OUTPUTS, unit % strips + 1, strips);
      kernels.linear(weights[p], p == 0 ? bias : null, x[p], sums[p], rows, begin, behind, false, null, scratch);
    }
    if (first == end || done.addAndGet(end - first) < units) {
      return false;
    }
    done.set(0);
    return true;
  }

  /** {@code y += x w^T + bias}, or without what y holds. */
  void add(int rows, Rows y, boolean accumulate) {
    if (!accumulate) {
      kernels.copy(sums[0], y, 0, rows);
    }
    for (int p = accumulate ? 0 : 1; p < PIECES; p++) {
      kernels.add(1, sums[p], y, y, 0, rows);
    }
  }
}
