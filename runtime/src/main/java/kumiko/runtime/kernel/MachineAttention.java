package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.MachineCode;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.RowRounding;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;

/**
 * {@link Kernels#attention} by machine code: many queries by {@link AttentionPanel}, few a row at a time by {@link AttentionGroup}, and those
 * that are rounded by {@link BfloatAttention}, or by the first for want of products of bf16; then probabilities are not rounded. What none
 * does right, because a fill takes part in it, is done as it is defined.
 */
final class MachineAttention {
  /** Queries of several rows from which on a panel of them is quicker. */
  private static final int LEAST_QUERIES = 12;

  private final FloatProducts products;

  /** Null for products in float32, and where there is no code for others. */
  private final PairProducts roundedProducts;

  private final CacheElement cache;
  private final AttentionPanel panels;
  private final AttentionGroup groups;

  /** Likewise. */
  private final BfloatAttention pairs;

  /** Null where there is no code. */
  static MachineAttention orNull(MachineCode code, Arithmetic arithmetic, CacheElement cache) {
    FloatProducts products = code.floats().orNull();
    return products == null
        ? null
        : new MachineAttention(products, arithmetic == Arithmetic.BFLOAT16 ? code.pairs().orNull() : null, cache);
  }

  /** @param pairs for products of bf16, or null */
  private MachineAttention(FloatProducts products, PairProducts pairs, CacheElement cache) {
    this.products = products;
    this.cache = cache;
    roundedProducts = pairs;
    panels = new AttentionPanel(products, cache);
    groups = new AttentionGroup(cache.type() == DType.F32 ? products.group() : products.bfloatGroup(), cache);
    this.pairs = pairs == null ? null : new BfloatAttention(products, pairs);
  }

  /** Whether rows of the cache are written by {@link #append}. */
  boolean appends(int headDim) {
    return cache.type() == DType.F32 || (roundedProducts != null && headDim % RowRounding.COLUMNS == 0);
  }

  /** {@code count} rows of one head to the cache, where {@link #appends} says so. */
  void append(long rows, long stride, int count, int headDim, long to) {
    if (cache.type() == DType.F32) {
      products.stored().widen(DType.F32, rows, stride, count, 0, headDim, to, Float.BYTES * headDim);
    } else {
      roundedProducts.rounding().round(rows, stride, count, headDim, to, Short.BYTES * headDim);
    }
  }

  private long address(MemorySegment cached, long element) {
    return cached.address() + cache.bytes() * element;
  }

  /** Queries that a call had best get. */
  int queries() {
    return pairs == null ? AttentionLanes.LANES : BfloatAttention.QUERIES;
  }

  long scratchBytes(int headDim, int keys) {
    long alone = Math.max(ScalarAttention.scratchBytes(keys), AttentionGroup.scratchBytes(headDim, keys));
    long together = Math.max(alone, AttentionPanel.scratchBytes(headDim));
    return pairs == null ? together : Math.max(together, ScalarAttention.scratchBytes(keys) + BfloatAttention.scratchBytes(headDim));
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
      boolean rounded,
      int from,
      int to,
      MemorySegment scratch) {
    int heads = query.width() / headDim;
    int queries = heads * (to - from);
    if (rounded && pairs != null) {
      for (int first = 0; first < queries; first += BfloatAttention.QUERIES) {
        attendRounded(
            query, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out, from, first,
            Math.min(BfloatAttention.QUERIES, queries - first), scratch);
      }
      return;
    }
    if (!rounded && (to - from == 1 || queries < LEAST_QUERIES)) {
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
          query, heads, address(keys, offset), address(values, offset), headDim, visible, total,
          (float) (scoreScale * softmaxScale), VectorAttention.floor(softmaxScale, fill), out, rounded, from, first, lanes,
          scratch.address());
      for (; undone != 0; undone &= undone - 1) {
        int lane = first + Long.numberOfTrailingZeros(undone);
        int row = from + lane / heads;
        if (rounded) {
          define(
              query, lane % heads, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out, true, row, scratch);
        } else {
          attend(
              query, lane % heads, 1, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out, row, scratch);
        }
      }
    }
  }

  /** Queries {@code first .. first + queries} by products of bf16. */
  private void attendRounded(
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
      int first,
      int queries,
      MemorySegment scratch) {
    int heads = query.width() / headDim;
    float scale = (float) (scoreScale * softmaxScale);
    double floor = VectorAttention.floor(softmaxScale, fill);
    long k = address(keys, offset);
    long v = address(values, offset);
    // Panels wait here while a query of one before them is done as it is defined.
    long work = scratch.address() + ScalarAttention.scratchBytes(total);
    pairs.mix(query, heads, k, v, headDim, visible, scale, from, first, queries, 0, work);
    for (int p = 0; p < BfloatAttention.panels(queries); p++) {
      int lane = first + p * AttentionLanes.LANES;
      int lanes = BfloatAttention.lanes(queries, p);
      long undone = pairs.finish(out, heads, headDim, total, floor, from, lane, lanes, p, false, work);
      for (; undone != 0; undone &= undone - 1) {
        int own = lane + Long.numberOfTrailingZeros(undone);
        pairs.mix(query, heads, k, v, headDim, visible, scale, from, own, 1, p, work);
        if (pairs.finish(out, heads, headDim, total, floor, from, own, 1, p, true, work) != 0) {
          define(
              query, own % heads, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out, true,
              from + own / heads, scratch);
        }
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
        query, first * headDim, heads, address(keys, offset), address(values, offset), headDim, visible, total,
        (float) (scoreScale * softmaxScale), VectorAttention.floor(softmaxScale, fill), out, row, scratch.address());
    for (; undone != 0; undone &= undone - 1) {
      int head = first + Integer.numberOfTrailingZeros(undone);
      define(query, head, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out, false, row, scratch);
    }
  }

  /** One head of one row. */
  private void define(
      Rows query,
      int head,
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
      boolean rounded,
      int row,
      MemorySegment scratch) {
    ScalarAttention.attend(
        DType.F32, cache.type(), rounded, query, head * headDim, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale,
        fill, out, row, scratch);
  }
}
