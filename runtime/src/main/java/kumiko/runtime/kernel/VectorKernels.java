package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.graph.Activation;
import kumiko.runtime.graph.Pairing;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.MachineCode;
import kumiko.runtime.machine.Eights;
import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;

/**
 * The arithmetic by machine code where there is some, otherwise in lanes of the Vector API, with float32 activations. Weights are read in the
 * type and place they are stored; types and arrangements without a loop of their own are computed by {@link ScalarKernels}, and where
 * the JVM was started without the Vector API so is the little that machine code leaves to it.
 *
 * <p>All memory must be native (an arena or a mapped file), not a Java array.
 */
public final class VectorKernels implements Kernels {
  private final ScalarKernels scalar = new ScalarKernels(DType.F32);
  private final ScalarLinear definition = new ScalarLinear(DType.F32, Arithmetic.FLOAT32);

  /** What neither machine code nor, for want of it, the Vector API does. */
  private final Kernels rest;

  private final MachineCode code;
  private final VectorLinear floats;

  /** Null where only the Vector API computes. */
  private final StoredProduct stored;

  private final CacheElement cache;
  private final VectorAttention vectorAttention;

  /** Null where only the Vector API computes. */
  private final MachineAttention attention;

  /** Likewise. */
  private final MachineRows rows;

  /** Null for products in float32. */
  private final BfloatLinear bfloat;

  /** Products in float32, by the machine code of this process. */
  public VectorKernels() {
    this(MachineCode.ofProcess(), Arithmetic.FLOAT32);
  }

  VectorKernels(MachineCode code, Arithmetic arithmetic) {
    this.code = code;
    rest = scalar.with(arithmetic);
    floats = new VectorLinear(code, arithmetic);
    FloatProducts products = code.floats().orNull();
    stored = products == null ? null : products.stored();
    rows = products == null ? null : new MachineRows(products);
    bfloat = arithmetic == Arithmetic.BFLOAT16 ? new BfloatLinear(code, floats) : null;
    cache = CacheElement.of(cacheType());
    attention = MachineAttention.orNull(code, arithmetic, cache);
    vectorAttention = new VectorAttention(cache);
  }

  @Override
  public String describe() {
    String vectors = VectorApi.IS_THERE ? "vector kernels, " + VectorApi.LANES + " lanes" : "kernels without the Vector API";
    String lanes = vectors + ", F32 activations";
    String products = code.floats().orNull() == null ? lanes : lanes + ", products " + code.floats().describe() + floats.describeTiles();
    return bfloat == null ? products : products + ", bf16 products " + bfloat.describe();
  }

  @Override
  public Arithmetic arithmetic() {
    return bfloat == null ? Arithmetic.FLOAT32 : Arithmetic.BFLOAT16;
  }

  @Override
  public Kernels with(Arithmetic arithmetic) {
    return new VectorKernels(code, arithmetic);
  }

  @Override
  public DType activations() {
    return DType.F32;
  }

  @Override
  public void embed(Matrix table, MemorySegment ids, Rows out, int from, int to) {
    VectorEmbedding.embed(table, ids, out, from, to, scalar, stored);
  }

  @Override
  public void linear(
      Matrix weight,
      Rows bias,
      Rows x,
      Rows y,
      int rows,
      int from,
      int to,
      boolean accumulate,
      MemorySegment prepared,
      MemorySegment scratch) {
    require(scratch, linearScratchBytes(weight, rows), rows, "rows");
    if (arithmetic().isBfloat(weight.dtype(), rows)) {
      bfloat.linear(weight, bias, x, y, rows, from, to, accumulate, prepared, scratch);
    } else {
      floats.linear(
          weight, bias, x, y, rows, from, to, accumulate, definition, prepared == null ? 0 : prepared.address(), scratch.address());
    }
  }

  @Override
  public int rowsInPieces(Matrix weight) {
    return floats.addsByColumns(weight, Eights.EIGHT) ? Eights.EIGHT : 1;
  }

  @Override
  public long linearScratchBytes(Matrix weight, int rows) {
    long few = floats.scratchBytes(weight, rows);
    return arithmetic().isBfloat(weight.dtype(), rows) ? Math.max(few, bfloat.scratchBytes(weight, rows)) : few;
  }

  @Override
  public int bf16Products(Matrix weight, int rows) {
    return arithmetic().isBfloat(weight.dtype(), rows) ? 1 : floats.bf16Products(weight, rows);
  }

  @Override
  public boolean prepares(Matrix weight, int rows) {
    return arithmetic().isBfloat(weight.dtype(), rows) ? bfloat.prepares(weight, rows) : floats.prepares(weight, rows);
  }

  @Override
  public long preparedBytes(Matrix weight, int rows) {
    long few = floats.preparedBytes(weight, rows);
    return bfloat == null ? few : Math.max(few, bfloat.preparedBytes(weight, rows));
  }

  @Override
  public void prepare(Matrix weight, Rows x, int rows, MemorySegment prepared, int from, int to) {
    if (arithmetic().isBfloat(weight.dtype(), rows)) {
      bfloat.prepare(weight, x, rows, prepared, from, to);
    } else {
      floats.prepare(weight, x, rows, prepared.address(), from, to);
    }
  }

  @Override
  public void roundInt8(Rows x, double threshold, Rows y, int from, int to) {
    if (VectorApi.IS_THERE) {
      VectorRounding.roundInt8(x, (float) threshold, y, from, to);
    } else {
      rest.roundInt8(x, threshold, y, from, to);
    }
  }

  @Override
  public void layerNorm(Rows x, Rows weight, Rows bias, double eps, Rows y, int from, int to) {
    if (rows == null) {
      VectorNorms.layerNorm(x, weight, bias, eps, y, from, to);
    } else {
      rows.layerNorm(x, weight, bias, eps, y, from, to);
    }
  }

  @Override
  public void rmsNorm(Rows x, Rows weight, double eps, double offset, Rows y, int from, int to) {
    if (rows == null) {
      VectorNorms.rmsNorm(x, weight, eps, offset, y, from, to);
    } else {
      rows.rmsNorm(x, weight, eps, offset, y, from, to);
    }
  }

  @Override
  public void activate(Activation function, Rows x, Rows y, int from, int to) {
    if (rows == null) {
      VectorElements.activate(function, x, y, from, to);
    } else {
      rows.activate(function, x, y, from, to);
    }
  }

  @Override
  public void gated(Activation function, Rows gate, Rows up, Rows y, int from, int to) {
    if (rows == null) {
      VectorElements.gated(function, gate, up, y, from, to);
    } else {
      rows.gated(function, gate, up, y, from, to);
    }
  }

  @Override
  public void add(double scale, Rows a, Rows b, Rows y, int from, int to) {
    if (rows == null) {
      VectorElements.add((float) scale, a, b, y, from, to);
    } else {
      rows.add((float) scale, a, b, y, from, to);
    }
  }

  @Override
  public void multiply(Rows a, Rows b, Rows y, int from, int to) {
    if (rows == null) {
      VectorElements.multiply(a, b, y, from, to);
    } else {
      rows.multiply(a, b, y, from, to);
    }
  }

  @Override
  public void scale(Rows x, double factor, Rows y, int from, int to) {
    if (rows == null) {
      VectorElements.scale(x, (float) factor, y, from, to);
    } else {
      rows.scale(x, (float) factor, y, from, to);
    }
  }

  @Override
  public void copy(Rows x, Rows y, int from, int to) {
    VectorElements.copy(x, y, from, to);
  }

  /** Cosines of large angles need more than float32 has on the way; the rows are short and shared by all layers. */
  @Override
  public void angles(MemorySegment positions, double[] frequencies, Rows out, int from, int to) {
    scalar.angles(positions, frequencies, out, from, to);
  }

  @Override
  public void rotate(Rows x, Rows angles, int headDim, int first, Pairing pairing, Rows y, int from, int to) {
    if (rows == null) {
      VectorRotary.rotate(x, angles, headDim, first, pairing, y, from, to);
    } else {
      rows.rotate(x, angles, headDim, first, pairing, y, from, to);
    }
  }

  @Override
  public void append(
      Rows x, MemorySegment cached, long offset, int capacity, int kvHeads, int headDim, int position, int from, int to) {
    for (int head = 0; head < kvHeads && from < to; head++) {
      long first = VectorLinear.address(x, from, head * headDim);
      long place = cached.address() + cache.bytes() * (offset + ((long) head * capacity + position) * headDim);
      if (attention != null && attention.appends(headDim)) {
        attention.append(first, 4L * x.stride(), to - from, headDim, place);
      } else {
        vectorAttention.append(first, 4L * x.stride(), to - from, headDim, place);
      }
    }
  }

  @Override
  public void scores(Rows query, MemorySegment keys, long offset, int headDim, int total, double scale, Rows out, int from, int to) {
    if (VectorApi.IS_THERE) {
      vectorAttention.scores(query, keys, offset, headDim, total, scale, out, from, to);
    } else {
      rest.scores(query, keys, offset, headDim, total, scale, out, from, to);
    }
  }

  @Override
  public void softmax(Rows scores, MemorySegment visible, int total, double scale, double fill, Rows out, int from, int to) {
    if (VectorApi.IS_THERE) {
      VectorAttention.softmax(scores, visible, total, scale, fill, out, from, to);
    } else {
      rest.softmax(scores, visible, total, scale, fill, out, from, to);
    }
  }

  @Override
  public void mix(Rows probabilities, MemorySegment values, long offset, int headDim, int total, Rows out, int from, int to) {
    if (VectorApi.IS_THERE) {
      vectorAttention.mix(probabilities, values, offset, headDim, total, out, from, to);
    } else {
      rest.mix(probabilities, values, offset, headDim, total, out, from, to);
    }
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
    require(scratch, attentionScratchBytes(headDim, total), total, "keys");
    boolean rounded = arithmetic().isBfloat(rows);
    if (attention == null) {
      vectorAttention.attention(
          query, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out, rounded, from, to, scratch);
    } else {
      attention.attention(
          query, keys, values, offset, headDim, visible, total, scoreScale, softmaxScale, fill, out, rounded, from, to, scratch);
    }
  }

  @Override
  public long attentionScratchBytes(int headDim, int keys) {
    return attention == null ? ScalarAttention.scratchBytes(keys) : attention.scratchBytes(headDim, keys);
  }

  @Override
  public int attentionRows(int heads) {
    return attention == null ? AttentionTile.ROWS : Math.max(1, attention.queries() / heads);
  }

  /** Machine code knows no bounds. */
  private static void require(MemorySegment scratch, long bytes, int count, String what) {
    if (scratch.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "scratch memory has " + scratch.byteSize() + " bytes, and " + count + " " + what + " need " + bytes);
    }
  }
}
