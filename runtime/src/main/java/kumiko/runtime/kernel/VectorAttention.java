package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import kumiko.runtime.tensor.Rows;

/** Attention of one head over a float32 cache. */
final class VectorAttention {
  /** {@code exp(-110)} is nothing in float32, also after a sum over more keys than memory holds. */
  private static final double NOTHING = 110;

  private static final WeightDots DOTS = new F32Dots();

  private VectorAttention() {}

  static void scores(Rows query, MemorySegment keys, long offset, int headDim, int total, double scale, Rows out, int from, int to) {
    long first = keys.address() + 4 * offset;
    for (int r = from; r < to; r++) {
      long at = VectorLinear.address(out, r - from, 0);
      scoreRow(VectorLinear.address(query, r, 0), first, headDim, total, (float) scale, at);
    }
  }

  /** {@code out[k] = scale * query . keys[k]}. */
  private static void scoreRow(long query, long keys, int headDim, int count, float scale, long out) {
    long stride = 4L * headDim;
    clear(out, count);
    int k = 0;
    for (; k + 4 <= count; k += 4) {
      DOTS.four(keys + k * stride, stride, query, headDim, out + 4L * k, 4);
    }
    for (; k < count; k++) {
      DOTS.one(keys + k * stride, query, headDim, out + 4L * k);
    }
    VectorElements.scaleRow(out, scale, out, count);
  }

  static void softmax(Rows scores, MemorySegment visible, int total, double scale, double fill, Rows out, int from, int to) {
    for (int r = from; r < to; r++) {
      long in = VectorLinear.address(scores, r - from, 0);
      long at = VectorLinear.address(out, r - from, 0);
      int first = Lanes.getInt(visible.address() + 8L * r);
      int end = Lanes.getInt(visible.address() + 8L * r + 4);
      VectorElements.scaleRow(in + 4L * first, (float) scale, at + 4L * first, end - first);
      float max = max(at + 4L * first, end - first);
      float hidden = (float) (scale * fill);
      boolean filled = !Double.isNaN(fill) && first + total - end > 0;
      max = filled ? Math.max(max, hidden) : max;
      float each = filled ? (float) Math.exp((double) hidden - max) : 0;
      set(at, first, each);
      set(at + 4L * end, total - end, each);
      float sum = exponentials(at + 4L * first, end - first, max) + each * (first + total - end);
      VectorElements.scaleRow(at, sum == 0 ? 0 : 1 / sum, at, total);
    }
  }

  static void mix(Rows probabilities, MemorySegment values, long offset, int headDim, int total, Rows out, int from, int to) {
    long first = values.address() + 4 * offset;
    for (int r = from; r < to; r++) {
      mixRow(VectorLinear.address(probabilities, r - from, 0), first, headDim, total, VectorLinear.address(out, r, 0));
    }
  }

  /** {@code out = sum over k of weights[k] * values[k]}. */
  private static void mixRow(long weights, long values, int headDim, int count, long out) {
    clear(out, headDim);
    long stride = 4L * headDim;
    int d = 0;
    for (; d + 4 * Lanes.COUNT <= headDim; d += 4 * Lanes.COUNT) {
      DOTS.columns(values + 4L * d, stride, weights, count, out + 4L * d);
    }
    for (; d < headDim; d += Lanes.COUNT) {
      DOTS.fewColumns(values + 4L * d, stride, weights, count, out + 4L * d, Math.min(Lanes.COUNT, headDim - d));
    }
  }

  /** Each row's scores over its visible keys lie in {@code scratch}. */
  static void attention(
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
    long scores = scratch.address();
    float scale = (float) (scoreScale * softmaxScale);
    for (int r = from; r < to; r++) {
      int first = Lanes.getInt(visible.address() + 8L * r);
      int end = Lanes.getInt(visible.address() + 8L * r + 4);
      int count = end - first;
      long start = 4 * (offset + (long) first * headDim);
      scoreRow(VectorLinear.address(query, r, 0), keys.address() + start, headDim, count, scale, scores);
      float max = max(scores, count);
      if (count < total && max < softmaxScale * fill + NOTHING) {
        exactly(query, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out, r, scratch);
        continue;
      }
      float sum = exponentials(scores, count, max);
      VectorElements.scaleRow(scores, sum == 0 ? 0 : 1 / sum, scores, count);
      mixRow(scores, values.address() + start, headDim, count, VectorLinear.address(out, r, 0));
    }
  }

  /** A row whose visible scores are so low that the filled ones take part. */
  private static void exactly(
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
      int row,
      MemorySegment scratch) {
    ScalarAttention.attention(
        kumiko.runtime.tensor.DType.F32,
        query,
        keys,
        values,
        offset,
        headDim,
        visible,
        total,
        scoreScale,
        softmaxScale,
        fill,
        out,
        row,
        row + 1,
        scratch);
  }

  private static float max(long x, int n) {
    FloatVector max = Lanes.all(Float.NEGATIVE_INFINITY);
    int body = Lanes.F32.loopBound(n);
    for (int c = 0; c < body; c += Lanes.COUNT) {
      max = max.max(Lanes.load(x + 4L * c));
    }
    if (body < n) {
      VectorMask<Float> lanes = Lanes.first(n - body);
      max = max.lanewise(VectorOperators.MAX, Lanes.load(x + 4L * body, lanes), lanes);
    }
    return max.reduceLanes(VectorOperators.MAX);
  }

  /** {@code x = exp(x - max)}; returns their sum. */
  private static float exponentials(long x, int n, float max) {
    FloatVector sum = Lanes.zero();
    for (int c = 0; c < n; c += Lanes.COUNT) {
      VectorMask<Float> lanes = Lanes.first(n - c);
      FloatVector e = VectorMath.exp(Lanes.load(x + 4L * c, lanes).sub(max));
      Lanes.store(e, x + 4L * c, lanes);
      sum = sum.add(e, lanes);
    }
    return sum.reduceLanes(VectorOperators.ADD);
  }

  private static void clear(long x, int n) {
    set(x, n, 0);
  }

  private static void set(long x, int n, float value) {
    for (int c = 0; c < n; c += Lanes.COUNT) {
      Lanes.store(Lanes.all(value), x + 4L * c, Lanes.first(n - c));
    }
  }
}
