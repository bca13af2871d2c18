package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;

/** Attention over a cache by the Vector API: many rows of queries by {@link AttentionTile}, few a row at a time. */
final class VectorAttention {
  /** {@code exp(-110)} is nothing in float32, also after a sum over more keys than memory holds. */
  private static final double NOTHING = 110;

  private final CacheElement cache;

  VectorAttention(CacheElement cache) {
    this.cache = cache;
  }

  /** {@code count} rows of one head to the cache. */
  void append(long rows, long stride, int count, int headDim, long to) {
    for (int r = 0; r < count; r++) {
      long row = rows + r * stride;
      long place = to + cache.bytes() * r * headDim;
      if (cache.isFloat()) {
        Memory.move(row, place, headDim);
        continue;
      }
      for (int d = 0; d < headDim; d++) {
        Memory.setBf16(place + cache.bytes() * d, Memory.get(row + 4L * d));
      }
    }
  }

  void scores(Rows query, MemorySegment keys, long offset, int headDim, int total, double scale, Rows out, int from, int to) {
    Desk desk = Desk.ofThread();
    float[] scores = desk.scores(total);
    for (int r = from; r < to; r++) {
      scoreRow(desk, VectorLinear.address(query, r, 0), address(keys, offset), headDim, total, (float) scale, scores);
      long at = VectorLinear.address(out, r - from, 0);
      Memory.write(scores, 0, at, total);
    }
  }

  /** {@code scores[k] = scale * query . keys[k]}. */
  private void scoreRow(Desk desk, long query, long keys, int headDim, int count, float scale, float[] scores) {
    float[] q = desk.rows(headDim);
    WeightRows.F32.read(query, 0, headDim, q, 0);
    cache.dots().rows(keys, cache.bytes() * headDim, count, q, 0, headDim, scores, 0, desk.room);
    scale(scores, count, scale);
  }

  static void softmax(Rows scores, MemorySegment visible, int total, double scale, double fill, Rows out, int from, int to) {
    float[] row = Desk.ofThread().scores(total);
    for (int r = from; r < to; r++) {
      int first = Memory.getInt(visible.address() + 8L * r);
      int end = Memory.getInt(visible.address() + 8L * r + 4);
      int count = end - first;
      WeightRows.F32.read(VectorLinear.address(scores, r - from, first), 0, count, row, 0);
      scale(row, count, (float) scale);
      float hidden = (float) (scale * fill);
      boolean filled = !Double.isNaN(fill) && count < total;
      float max = max(row, count);
      max = filled ? Math.max(max, hidden) : max;
      float each = filled ? (float) Math.exp((double) hidden - max) : 0;
      float sum = exponentials(row, count, max) + each * (total - count);
      float factor = sum == 0 ? 0 : 1 / sum;
      scale(row, count, factor);
      long at = VectorLinear.address(out, r - from, 0);
      set(at, total, each * factor);
      Memory.write(row, 0, at + 4L * first, count);
    }
  }

  void mix(Rows probabilities, MemorySegment values, long offset, int headDim, int total, Rows out, int from, int to) {
    Desk desk = Desk.ofThread();
    float[] weights = desk.scores(total);
    for (int r = from; r < to; r++) {
      WeightRows.F32.read(VectorLinear.address(probabilities, r - from, 0), 0, total, weights, 0);
      // Keys left out at either end stay out even where their values are not numbers.
      int first = 0;
      while (first < total && weights[first] == 0) {
        first++;
      }
      int end = total;
      while (end > first && weights[end - 1] == 0) {
        end--;
      }
      long seen = address(values, offset + (long) first * headDim);
      mixRow(desk, weights, first, seen, headDim, end - first, VectorLinear.address(out, r, 0));
    }
  }

  /** {@code out = sum over k of weights[from + k] * values[k]}. */
  private void mixRow(Desk desk, float[] weights, int from, long values, int headDim, int count, long out) {
    float[] mixed = desk.weights(headDim);
    cache.dots().columns(values, cache.bytes() * headDim, headDim, weights, from, count, mixed);
    Memory.write(mixed, 0, out, headDim);
  }

  /** The score below which keys that are left out take part with their fill; not a number where they never do. */
  static double floor(double softmaxScale, double fill) {
    return softmaxScale * fill + NOTHING;
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
    float scale = (float) (scoreScale * softmaxScale);
    double floor = floor(softmaxScale, fill);
    for (int column = 0; column < query.width(); column += headDim) {
      for (int r = from; r < to; r += AttentionTile.ROWS) {
        int rows = Math.min(AttentionTile.ROWS, to - r);
        boolean done = (rounded || rows >= AttentionTile.LEAST_ROWS) && headDim <= AttentionTile.MOST_DIMS
            && AttentionTile.attend(
                cache, query, column, address(keys, offset), address(values, offset), headDim, visible, total, scale, floor, out, rounded,
                r,
                rows);
        for (int row = r; row < r + rows && !done; row++) {
          if (rounded || !attendRow(query, column, keys, values, offset, headDim, visible, total, scale, floor, out, row)) {
            // The filled scores take part: the row is done as it is defined.
            ScalarAttention.attend(
                DType.F32, cache.type(), rounded, query, column, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale,
                fill, out, row,
                scratch);
          }
        }
      }
    }
  }

  /** Whether the row was done: not when keys are hidden from it and all its scores are below {@code floor}. */
  private boolean attendRow(
      Rows query, int column, MemorySegment keys, MemorySegment values, long offset, int headDim, MemorySegment visible, int total,
      float scale, double floor, Rows out, int r) {
    Desk desk = Desk.ofThread();
    float[] scores = desk.scores(total);
    int first = Memory.getInt(visible.address() + 8L * r);
    int count = Memory.getInt(visible.address() + 8L * r + 4) - first;
    long start = offset + (long) first * headDim;
    scoreRow(desk, VectorLinear.address(query, r, column), address(keys, start), headDim, count, scale, scores);
    float max = max(scores, count);
    if (count < total && max < floor) {
      return false;
    }
    float sum = exponentials(scores, count, max);
    scale(scores, count, sum == 0 ? 0 : 1 / sum);
    mixRow(desk, scores, 0, address(values, start), headDim, count, VectorLinear.address(out, r, column));
    return true;
  }

  private long address(MemorySegment cached, long element) {
    return cached.address() + cache.bytes() * element;
  }

  private static float max(float[] x, int n) {
    float max = Float.NEGATIVE_INFINITY;
    for (int c = 0; c < n; c++) {
      max = Math.max(max, x[c]);
    }
    return max;
  }

  /** {@code x = exp(x - max)}; returns their sum. */
  private static float exponentials(float[] x, int n, float max) {
    Desk desk = Desk.ofThread();
    padded(x, n);
    Arrays.fill(desk.max, max);
    Arrays.fill(desk.room, 0);
    VectorSoftmax.exponentials(x, 0, Lanes.COUNT, Math.ceilDiv(n, Lanes.COUNT), desk.max, desk.room, 0);
    return Lanes.sum(desk.room, 0);
  }

  /** Fills the last vector up with what neither a maximum nor a sum of exponentials notices. */
  private static void padded(float[] x, int n) {
    Arrays.fill(x, n, Math.ceilDiv(n, Lanes.COUNT) * Lanes.COUNT, Float.NEGATIVE_INFINITY);
  }

  private static void scale(float[] x, int n, float factor) {
    for (int c = 0; c < n; c++) {
      x[c] *= factor;
    }
  }

  private static void set(long x, int n, float value) {
    for (int c = 0; c < n; c++) {
      Memory.set(x + 4L * c, value);
    }
  }
}
