package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;

/** {@link Kernels#attention} by machine code: many queries by {@link AttentionPanel}, few a row at a time. */
final class MachineAttention {
  /** Queries from which on a panel of them is quicker. */
  private static final int LEAST_QUERIES = 8;

  private final FloatProducts products;
  private final AttentionPanel panels;

  MachineAttention(FloatProducts products) {
    this.products = products;
    panels = new AttentionPanel(products);
  }

  static long scratchBytes(int headDim, int keys) {
    return Math.max(8L * keys, AttentionPanel.scratchBytes(headDim));
  }

  void attention(
      Rows query,
      MemorySegment keys,
      MemorySegment values,
      long offset,
      int headDim,
      MemorySegment visible,
      int total,
      double scoreScale,
      double softmaxScale,
      double fill,
      Rows out,
      int from,
      int to,
      MemorySegment scratch) {
    float scale = (float) (scoreScale * softmaxScale);
    double floor = softmaxScale * fill + VectorAttention.NOTHING;
    int heads = query.width() / headDim;
    int queries = heads * (to - from);
    for (int first = 0; first < queries; first += AttentionPanel.LANES) {
      int lanes = Math.min(AttentionPanel.LANES, queries - first);
      long undone = -1;
      if (lanes >= LEAST_QUERIES) {
        undone = panels.attend(
            query, heads, keys.address() + 4 * offset, values.address() + 4 * offset, headDim, visible, total, scale, floor, out,
            from, first, lanes, scratch.address());
      }
      for (int lane = 0; lane < lanes; lane++) {
        int row = from + (first + lane) / heads;
        int column = (first + lane) % heads * headDim;
        if ((undone >>> lane & 1) != 0
            && !VectorAttention.attendRow(
                query, column, keys, values, offset, headDim, visible, total, scale, floor, out, row, products.stored(), scratch)) {
          // The filled scores take part: the row is done as it is defined.
          ScalarAttention.attend(
              DType.F32, query, column, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out, row, scratch);
        }
      }
    }
  }
}
