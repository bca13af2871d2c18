package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;

/**
 * {@link Kernels#attention} by machine code: many queries by {@link AttentionPanel}, few a row at a time by {@link AttentionGroup}. What
 * neither does right, because a fill takes part in it, is done as it is defined.
 */
final class MachineAttention {
  /** Queries of several rows from which on a panel of them is quicker. */
  private static final int LEAST_QUERIES = 12;

  private final AttentionPanel panels;
  private final AttentionGroup groups;

  MachineAttention(FloatProducts products) {
    panels = new AttentionPanel(products);
    groups = new AttentionGroup(products);
  }

  static long scratchBytes(int headDim, int keys) {
    long alone = Math.max(ScalarAttention.scratchBytes(keys), AttentionGroup.scratchBytes(headDim, keys));
    return Math.max(alone, AttentionPanel.scratchBytes(headDim));
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
    int heads = query.width() / headDim;
    int queries = heads * (to - from);
    if (to - from == 1 || queries < LEAST_QUERIES) {
      for (int row = from; row < to; row++) {
        int together;
        for (int head = 0; head < heads; head += together) {
          together = AttentionGroup.together(heads - head);
          attend(
              query, head, together, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out, row, scratch);
        }
      }
      return;
    }
    for (int first = 0; first < queries; first += AttentionLanes.LANES) {
      int lanes = Math.min(AttentionLanes.LANES, queries - first);
      long undone = panels.attend(
          query, heads, keys.address() + 4 * offset, values.address() + 4 * offset, headDim, visible, total,
          (float) (scoreScale * softmaxScale), VectorAttention.floor(softmaxScale, fill), out, from, first, lanes, scratch.address());
      for (; undone != 0; undone &= undone - 1) {
        int lane = first + Long.numberOfTrailingZeros(undone);
        attend(
            query, lane % heads, 1, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out,
            from + lane / heads, scratch);
      }
    }
  }

  /** Heads {@code first .. first + heads} of one row. */
  private void attend(
      Rows query,
      int first,
      int heads,
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
      int row,
      MemorySegment scratch) {
    int undone = groups.attend(
        query, first * headDim, heads, keys.address() + 4 * offset, values.address() + 4 * offset, headDim, visible, total,
        (float) (scoreScale * softmaxScale), VectorAttention.floor(softmaxScale, fill), out, row, scratch.address());
    for (; undone != 0; undone &= undone - 1) {
      int column = (first + Integer.numberOfTrailingZeros(undone)) * headDim;
      ScalarAttention.attend(
          DType.F32, query, column, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out, row, scratch);
    }
  }
}
