package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.graph.Activation;
import kumiko.runtime.graph.Pairing;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Elements;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * The definition of the arithmetic: the obvious loops, every operation in double, rounded once to the activation type where it is
 * stored. With F64 activations it is the reference evaluation that the fast paths and the original implementations are compared with.
 */
public final class ScalarKernels implements Kernels {
  private final DType type;
  private final ScalarLinear linear;

  /** @throws IllegalArgumentException if {@code activations} is neither F32 nor F64 */
  public ScalarKernels(DType activations) {
    this(activations, Arithmetic.FLOAT32);
  }

  private ScalarKernels(DType activations, Arithmetic arithmetic) {
    if (activations != DType.F32 && activations != DType.F64) {
      throw new IllegalArgumentException("activations are F32 or F64, not " + activations);
    }
    this.type = activations;
    this.linear = new ScalarLinear(activations, arithmetic);
  }

  @Override
  public String describe() {
    String rounding = linear.arithmetic() == Arithmetic.BFLOAT16
        ? ", products of bf16 with bf16 weights, and of many rows with blocks and in attention"
        : "";
    return "scalar kernels, " + type + " activations" + rounding;
  }

  @Override
  public DType activations() {
    return type;
  }

  @Override
  public Arithmetic arithmetic() {
    return linear.arithmetic();
  }

  @Override
  public Kernels with(Arithmetic other) {
    return new ScalarKernels(type, other);
  }

  private double get(Rows x, int row, int column) {
    return Elements.get(type, x.data(), x.offset() + (long) row * x.stride() + column);
  }

  private void set(Rows x, int row, int column, double value) {
    Elements.set(type, x.data(), x.offset() + (long) row * x.stride() + column, value);
  }

  @Override
  public void embed(Matrix table, MemorySegment ids, Rows out, int from, int to) {
    for (int r = from; r < to; r++) {
      int id = (int) Elements.get(DType.I32, ids, r);
      for (int c = 0; c < table.columns(); c++) {
        set(out, r, c, element(table, id, c));
      }
    }
  }

  private static double element(Matrix matrix, int row, int column) {
    double sum = -0.0; // what adds nothing, not even to another minus zero
    for (int s = 0; s < matrix.slabs().size(); s++) {
      Slab slab = matrix.slabs().get(s);
      int index = slab.indexOf(row);
      int c = column - slab.column();
      if (index >= 0 && c >= 0 && c < slab.columns()) {
        sum += Elements.rowUnit(matrix.dtype(), slab, index) * Elements.get(matrix.dtype(), slab, index, c);
      }
    }
    return sum;
  }

  @Override
  public void linear(
      Matrix weight, Rows bias, Rows x, Rows y, int rows, int from, int to, boolean accumulate, MemorySegment prepared,
      MemorySegment scratch) {
    linear.linear(weight, bias, x, y, rows, from, to, accumulate);
  }

  @Override
  public long linearScratchBytes(Matrix weight, int rows) {
    return 0;
  }

  @Override
  public void roundInt8(Rows x, double threshold, Rows y, int from, int to) {
    ScalarRounding.roundInt8(type, x, threshold, y, from, to);
  }

  @Override
  public void layerNorm(Rows x, Rows weight, Rows bias, double eps, Rows y, int from, int to) {
    int n = x.width();
    for (int r = from; r < to; r++) {
      double mean = 0;
      for (int c = 0; c < n; c++) {
        mean += get(x, r, c) / n;
      }
      double variance = 0;
      for (int c = 0; c < n; c++) {
        variance += (get(x, r, c) - mean) * (get(x, r, c) - mean) / n;
      }
      double factor = 1 / Math.sqrt(variance + eps);
      for (int c = 0; c < n; c++) {
        double normal = (get(x, r, c) - mean) * factor;
        set(y, r, c, normal * (weight == null ? 1 : get(weight, 0, c)) + (bias == null ? 0 : get(bias, 0, c)));
      }
    }
  }

  @Override
  public void rmsNorm(Rows x, Rows weight, double eps, double offset, Rows y, int from, int to) {
    int n = x.width();
    for (int r = from; r < to; r++) {
      double square = 0;
      for (int c = 0; c < n; c++) {
        square += get(x, r, c) * get(x, r, c) / n;
      }
      double factor = 1 / Math.sqrt(square + eps);
      for (int c = 0; c < n; c++) {
        set(y, r, c, get(x, r, c) * factor * (weight == null ? 1 : get(weight, 0, c) + offset));
      }
    }
  }

  @Override
  public void activate(Activation function, Rows x, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      for (int c = 0; c < x.width(); c++) {
        set(y, r, c, ScalarFunctions.activate(function, get(x, r, c)));
      }
    }
  }

  @Override
  public void gated(Activation function, Rows gate, Rows up, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      for (int c = 0; c < gate.width(); c++) {
        set(y, r, c, ScalarFunctions.activate(function, get(gate, r, c)) * get(up, r, c));
      }
    }
  }

  @Override
  public void add(double scale, Rows a, Rows b, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      for (int c = 0; c < a.width(); c++) {
        set(y, r, c, scale * get(a, r, c) + get(b, r, c));
      }
    }
  }

  @Override
  public void multiply(Rows a, Rows b, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      for (int c = 0; c < a.width(); c++) {
        set(y, r, c, get(a, r, c) * get(b, r, c));
      }
    }
  }

  @Override
  public void scale(Rows x, double factor, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      for (int c = 0; c < x.width(); c++) {
        set(y, r, c, factor * get(x, r, c));
      }
    }
  }

  @Override
  public void copy(Rows x, Rows y, int from, int to) {
    scale(x, 1, y, from, to);
  }

  @Override
  public void angles(MemorySegment positions, double[] frequencies, Rows out, int from, int to) {
    int pairs = frequencies.length;
    for (int r = from; r < to; r++) {
      double position = Elements.get(DType.I32, positions, r);
      for (int j = 0; j < pairs; j++) {
        double angle = type == DType.F32 ? (float) frequencies[j] * (float) position : frequencies[j] * position;
        set(out, r, j, Math.cos(angle));
        set(out, r, pairs + j, Math.sin(angle));
      }
    }
  }

  @Override
  public void rotate(Rows x, Rows angles, int headDim, int first, Pairing pairing, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      for (int head = 0; head < x.width(); head += headDim) {
        rotateHead(x, angles, head, headDim, first, pairing, y, r);
      }
    }
  }

  private void rotateHead(Rows x, Rows angles, int head, int headDim, int first, Pairing pairing, Rows y, int r) {
    int pairs = angles.width() / 2;
    for (int c = 0; c < headDim; c++) {
      if (c < first || c >= first + 2 * pairs) {
        set(y, r, head + c, get(x, r, head + c));
      }
    }
    for (int j = 0; j < pairs; j++) {
      int a = head + first + (pairing == Pairing.HALVES ? j : 2 * j);
      int b = pairing == Pairing.HALVES ? a + pairs : a + 1;
      double cos = get(angles, r, j);
      double sin = get(angles, r, pairs + j);
      double xa = get(x, r, a);
      double xb = get(x, r, b);
      set(y, r, a, xa * cos - xb * sin);
      set(y, r, b, xb * cos + xa * sin);
    }
  }

  @Override
  public void append(
      Rows x, MemorySegment cache, long offset, int capacity, int kvHeads, int headDim, int position, int from, int to) {
    for (int r = from; r < to; r++) {
      for (int c = 0; c < kvHeads * headDim; c++) {
        long place = ((long) (c / headDim) * capacity + position + r - from) * headDim + c % headDim;
        Elements.set(cacheType(), cache, offset + place, get(x, r, c));
      }
    }
  }

  @Override
  public void scores(Rows query, MemorySegment keys, long offset, int headDim, int total, double scale, Rows out, int from, int to) {
    ScalarAttention.scores(type, cacheType(), query, keys, offset, headDim, total, scale, out, from, to);
  }

  @Override
  public void softmax(Rows scores, MemorySegment visible, int total, double scale, double fill, Rows out, int from, int to) {
    ScalarAttention.softmax(type, scores, visible, total, scale, fill, out, from, to);
  }

  @Override
  public void mix(Rows probabilities, MemorySegment values, long offset, int headDim, int total, Rows out, int from, int to) {
    ScalarAttention.mix(type, cacheType(), probabilities, values, offset, headDim, total, out, from, to);
  }

  @Override
  public void attention(
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
      int rows,
      int from,
      int to,
      MemorySegment scratch) {
    boolean rounded = arithmetic().isBfloat(rows);
    for (int column = 0; column < query.width(); column += headDim) {
      for (int row = from; row < to; row++) {
        ScalarAttention.attend(
            type, cacheType(), rounded, query, column, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out,
            row,
            scratch);
      }
    }
  }

  @Override
  public long attentionScratchBytes(int headDim, int keys) {
    return ScalarAttention.scratchBytes(keys);
  }

  @Override
  public int attentionRows(int heads) {
    return 64;
  }
}
