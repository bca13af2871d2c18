package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Elements;
import kumiko.runtime.tensor.Rows;

/** Attention of one head as it is defined: all scores of a row, their softmax, the weighted sum of the values. */
final class ScalarAttention {
  private ScalarAttention() {}

  /** Scratch of {@link #attend}. */
  static long scratchBytes(int keys) {
    return Double.BYTES * (long) keys;
  }

  static void scores(
      DType type, DType cache, Rows query, MemorySegment keys, long offset, int headDim, int total, double scale, Rows out, int from,
      int to) {
    for (int r = from; r < to; r++) {
      for (int k = 0; k < total; k++) {
        double score = score(type, cache, false, query, r, 0, keys, offset, headDim, k, scale);
        Elements.set(type, out.data(), out.offset() + (long) (r - from) * out.stride() + k, score);
      }
    }
  }

  static void softmax(
      DType type, Rows scores, MemorySegment visible, int total, double scale, double fill, Rows out, int from, int to) {
    for (int r = from; r < to; r++) {
      long in = scores.offset() + (long) (r - from) * scores.stride();
      long at = out.offset() + (long) (r - from) * out.stride();
      softmax(type, scores.data(), in, first(visible, r), end(visible, r), total, scale, fill, out.data(), at);
    }
  }

  static void mix(
      DType type, DType cache, Rows probabilities, MemorySegment values, long offset, int headDim, int total, Rows out, int from, int to) {
    for (int r = from; r < to; r++) {
      long at = probabilities.offset() + (long) (r - from) * probabilities.stride();
      mix(type, type, cache, false, probabilities.data(), at, values, offset, headDim, total, out, r, 0);
    }
  }

  /**
   * One row of the head that begins in column {@code column}; its scores and probabilities lie in {@code scratch}, in double.
   *
   * @param cache the type of keys and values
   * @param rounded whether queries and probabilities are rounded to bf16 before they are multiplied
   */
  static void attend(
      DType type,
      DType cache,
      boolean rounded,
      Rows query,
      int column,
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
    for (int k = 0; k < total; k++) {
      Elements.set(DType.F64, scratch, k, score(type, cache, rounded, query, row, column, keys, offset, headDim, k, scoreScale));
    }
    softmax(DType.F64, scratch, 0, first(visible, row), end(visible, row), total, softmaxScale, fill, scratch, 0);
    mix(DType.F64, type, cache, rounded, scratch, 0, values, offset, headDim, total, out, row, column);
  }

  private static double score(
      DType type, DType cache, boolean rounded, Rows query, int row, int column, MemorySegment keys, long offset, int headDim, int key,
      double scale) {
    double sum = 0;
    for (int d = 0; d < headDim; d++) {
      double q = Elements.get(type, query.data(), query.offset() + (long) row * query.stride() + column + d);
      double k = Elements.get(cache, keys, offset + (long) key * headDim + d);
      sum += (rounded ? nearest(q) : q) * k;
    }
    return scale * sum;
  }

  private static void softmax(
      DType type,
      MemorySegment scores,
      long in,
      int first,
      int end,
      int total,
      double scale,
      double fill,
      MemorySegment out,
      long at) {
    double left = Double.isNaN(fill) ? Double.NEGATIVE_INFINITY : scale * fill;
    double max = Double.NEGATIVE_INFINITY;
    for (int k = 0; k < total; k++) {
      max = Math.max(max, k >= first && k < end ? scale * Elements.get(type, scores, in + k) : left);
    }
    if (max == Double.NEGATIVE_INFINITY) {
      max = 0; // A row that sees nothing gets nothing, rather than the NaN of an infinity less itself.
    }
    double sum = 0;
    for (int k = 0; k < total; k++) {
      sum += Math.exp((k >= first && k < end ? scale * Elements.get(type, scores, in + k) : left) - max);
    }
    for (int k = 0; k < total; k++) {
      double value = Math.exp((k >= first && k < end ? scale * Elements.get(type, scores, in + k) : left) - max);
      Elements.set(type, out, at + k, sum == 0 ? 0 : value / sum);
    }
  }

  private static void mix(
      DType weightType,
      DType type,
      DType cache,
      boolean rounded,
      MemorySegment weights,
      long at,
      MemorySegment values,
      long offset,
      int headDim,
      int total,
      Rows out,
      int row,
      int column) {
    for (int d = 0; d < headDim; d++) {
      double sum = 0;
      for (int k = 0; k < total; k++) {
        double weight = Elements.get(weightType, weights, at + k);
        // A key that is left out stays out even where its value is not a number.
        double value = Elements.get(cache, values, offset + (long) k * headDim + d);
        sum += weight == 0 ? 0 : (rounded ? nearest(weight) : weight) * value;
      }
      Elements.set(type, out.data(), out.offset() + (long) row * out.stride() + column + d, sum);
    }
  }

  private static double nearest(double value) {
    return Elements.nearestBfloat16((float) value);
  }

  private static int first(MemorySegment visible, int row) {
    return (int) Elements.get(DType.I32, visible, 2L * row);
  }

  private static int end(MemorySegment visible, int row) {
    return (int) Elements.get(DType.I32, visible, 2L * row + 1);
  }
}
