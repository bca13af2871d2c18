package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import java.util.List;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.MachineCode;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.RowRounding;
import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.machine.TileRows;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * {@link Kernels#linear} with {@link Arithmetic#BFLOAT16}: by machine code where there is some and the weight lies so that it can be
 * read, otherwise the activations, and weights in blocks, are rounded and multiplied as in float32, where they are prepared for that once they
 * are rounded.
 */
final class BfloatLinear {
  /** Rows below which the vector kernels wait for memory only. */
  static final int LEAST_ROWS = 2;

  private static final ThreadLocal<RoundedRows> ROUNDED = ThreadLocal.withInitial(RoundedRows::new);

  private static final int INFINITY = 0x7f80_0000;

  /** Numbers in a line of memory. */
  private static final int LINE = 16;

  private final ScalarLinear definition = new ScalarLinear(DType.F32, Arithmetic.BFLOAT16);
  private final VectorLinear floats;
  private final String description;

  /** Null where there is no machine code, and so is {@link #gemm}. */
  private final StoredEights few;

  private final PanelGemm gemm;

  /** Null where there is no machine code for both. */
  private final RowRounding rounding;

  private final StoredProduct widening;

  /** Null where there are no tiles. */
  private final TileGemm tiles;

  BfloatLinear(MachineCode code, VectorLinear floats) {
    this.floats = floats;
    description = code.pairs().describe();
    PairProducts pairs = code.pairs().orNull();
    few = pairs == null ? null : new StoredEights(pairs);
    FloatProducts singles = code.floats().orNull();
    rounding = pairs == null || singles == null ? null : pairs.rounding();
    widening = rounding == null ? null : singles.stored();
    gemm = pairs == null ? null : new PanelGemm(new PanelOperands.Pairs(pairs));
    TileRows many = pairs == null ? null : pairs.product().manyRows();
    tiles = many == null ? null : new TileGemm(pairs, many, true);
  }

  String describe() {
    return description;
  }

  /** For rows and weights of which {@link Arithmetic#isBfloat} is true. */
  void linear(
      Matrix weight, Rows bias, Rows x, Rows y, int rows, int from, int to, boolean accumulate, MemorySegment prepared,
      MemorySegment scratch) {
    if (from >= to) {
      return;
    }
    long ready = prepared == null ? 0 : prepared.address();
    if (ready != 0 && isWide()) {
      long there = ready + wideBytes(weight.columns(), rows);
      floats.linear(weight, bias, x, y, rows, from, to, accumulate, definition, there, scratch.address());
      return;
    }
    if (ready != 0 && takesTiles(weight, rows)) {
      tiles.multiply(weight, bias, ready, y, rows, from, to, accumulate, scratch.address());
      return;
    }
    Rows in = ready != 0 || isByMachine(rows) ? x : rounded(x, rows, scratch);
    if (weight.dtype() == DType.BF16 && !isByMachine(rows)) {
      long rest = scratch.address() + roundedBytes(weight.columns(), rows);
      floats.linear(weight, bias, in, y, rows, from, to, accumulate, definition, ready, rest);
      return;
    }
    floats.begin(bias, y, rows, from, to, accumulate);
    addSlabs(weight, in, y, rows, from, to, ready, scratch);
  }

  /** See {@link Kernels#prepares}. */
  boolean prepares(Matrix weight, int rows) {
    if (isWide()) {
      return weight.dtype() == DType.BF16 && floats.prepares(weight, rows);
    }
    if (rows < LEAST_ROWS) {
      return rounding != null && floats.prepares(weight, rows);
    }
    if (tiles != null) {
      return tiles.takes(weight, rows) || isFew(weight, rows);
    }
    return (PanelGemm.prepares(rows) && SlabRows.readsColumns(weight))
        || (SlabRows.readsAll(weight) && (rows <= StoredEights.MOST_ROWS || PanelGemm.prepares(rows)));
  }

  /** See {@link Kernels#preparedBytes}. */
  long preparedBytes(Matrix weight, int rows) {
    if (isWide()) {
      long wide = weight.dtype() == DType.BF16 ? floats.preparedBytes(weight, rows) : 0;
      return wide == 0 ? 0 : wideBytes(weight.columns(), rows) + wide;
    }
    long bytes = prepares(weight, 1) ? floats.preparedBytes(weight, 1) : 0;
    if (tiles != null) {
      int fewRows = Math.min(rows, TileGemm.LEAST_ROWS - 1);
      long few = isFew(weight, fewRows) ? Math.max(bytes, gemm.preparedBytes(fewRows, weight.columns())) : bytes;
      return tiles.takes(weight, rows) ? Math.max(few, tiles.preparedBytes(weight.columns(), rows)) : few;
    }
    if (SlabRows.readsColumns(weight)) {
      return PanelGemm.prepares(rows) ? Math.max(bytes, gemm.convertedBytes(rows, weight.columns())) : bytes;
    }
    if (!SlabRows.readsAll(weight)) {
      return bytes;
    }
    long some = Math.max(bytes, few.packedBytes(Math.min(rows, StoredEights.MOST_ROWS), weight.columns()));
    return PanelGemm.prepares(rows) ? Math.max(some, gemm.preparedBytes(rows, weight.columns())) : some;
  }

  void prepare(Matrix weight, Rows x, int rows, MemorySegment memory, int from, int to) {
    long prepared = memory.address();
    if (isWide()) {
      Rows rounded = ROUNDED.get().over(memory, x.width());
      round(x, rounded, from, to);
      floats.prepare(weight, rounded, rows, prepared + wideBytes(x.width(), rows), from, to);
    } else if (rows < LEAST_ROWS) {
      floats.prepare(weight, x, rows, prepared, from, to);
    } else if (takesTiles(weight, rows)) {
      tiles.prepare(x, prepared, from, to);
    } else if (SlabRows.readsColumns(weight)) {
      gemm.convert(x, prepared, from, to);
    } else if (tiles == null && rows <= StoredEights.MOST_ROWS) {
      few.pack(x, 0, x.width(), rows, prepared, from, to);
    } else {
      gemm.prepare(x, rows, prepared, from, to);
    }
  }

  /** Whether rounded rows are multiplied as float32, for want of code for products of bf16. */
  private boolean isWide() {
    return gemm == null;
  }

  private boolean takesTiles(Matrix weight, int rows) {
    return tiles != null && rows >= LEAST_ROWS && tiles.takes(weight, rows);
  }

  /** Whether so many rows, with tiles, meet the weight as it is stored, packed once for all who multiply them. */
  private boolean isFew(Matrix weight, int rows) {
    return rows >= LEAST_ROWS && rows < TileGemm.LEAST_ROWS && weight.dtype() == DType.BF16 && SlabRows.readsAll(weight);
  }

  private void addSlabs(Matrix weight, Rows x, Rows y, int rows, int from, int to, long prepared, MemorySegment scratch) {
    Format format = Format.of(weight.dtype());
    List<Slab> slabs = weight.slabs();
    for (int s = 0; s < slabs.size();) {
      Slab slab = slabs.get(s);
      int next = s + 1;
      if (gemm != null && format != null && format.reads(slab) && !isMetAsStored(weight.dtype(), slab, rows)) {
        next = SlabRows.together(format, slabs, s);
        gemm.multiply(weight, s, next, x, y, rows, from, to, prepared, scratch.address());
      } else {
        add(weight.dtype(), format, slab, x, y, rows, SlabRows.first(slab, from), SlabRows.end(slab, to), prepared, scratch.address());
      }
      s = next;
    }
  }

  /** Tiles meet few rows no slower than many, as memory takes longer, but of a weight in columns they need panels. */
  private boolean isMetAsStored(DType type, Slab slab, int rows) {
    if (slab.columnStride() == 1) {
      return tiles == null && type == DType.BF16 && rows <= StoredEights.MOST_ROWS;
    }
    return slab.rowStep() == 1 && few.readsColumns(type, rows);
  }

  private void add(
      DType type, Format format, Slab slab, Rows x, Rows y, int rows, int first, int end, long prepared, long scratch) {
    if (first >= end) {
      return;
    }
    if (format == null || !format.reads(slab) || (gemm == null && !VectorApi.IS_THERE)) {
      definition.addSlab(type, slab, x, y, rows, first, end);
    } else if (gemm == null) {
      VectorGemm.multiply(format.roundingPacker(), slab, x, y, rows, first, end);
    } else if (slab.columnStride() == 1) {
      few.multiply(type, slab, x, y, rows, first, end, prepared, scratch);
    } else {
      few.multiplyByColumns(type, slab, x, y, rows, first, end, scratch);
    }
  }

  long scratchBytes(Matrix weight, int rows) {
    int wide = gemm == null ? rows : 1;
    long rounded = roundedBytes(weight.columns(), wide) + floats.scratchBytes(weight, wide);
    if (gemm == null) {
      return rounded;
    }
    long many = Math.max(gemm.scratchBytes(rows), TileGemm.SCRATCH_BYTES);
    return Math.max(rounded, Math.max(many, few.scratchBytes(StoredEights.MOST_ROWS, weight.columns())));
  }

  /** Whether rounded rows meet the weight as bf16. */
  private boolean isByMachine(int rows) {
    return gemm != null && rows >= LEAST_ROWS;
  }

  private Rows rounded(Rows x, int rows, MemorySegment scratch) {
    Rows rounded = ROUNDED.get().over(scratch, x.width());
    if (rounding == null) {
      round(x, rounded, 0, rows);
    } else {
      round(x, rows, VectorLinear.address(rounded, 0, 0));
    }
    return rounded;
  }

  /** By machine code, through bf16 behind them, rows without gaps: {@link #roundedBytes} bytes. */
  private void round(Rows x, int rows, long to) {
    long narrow = to + (long) rows * x.width() * Float.BYTES;
    int stride = Math.toIntExact(narrowBytes(x.width()));
    rounding.round(VectorLinear.address(x, 0, 0), 4L * x.stride(), rows, x.width(), narrow, stride);
    widening.widen(DType.BF16, narrow, stride, rows, 0, x.width(), to, 4 * x.width());
  }

  /** Of rows as float32, in whole lines. */
  private static long wideBytes(int columns, int rows) {
    return Math.ceilDiv((long) rows * columns, LINE) * LINE * Float.BYTES;
  }

  /** Of rows as float32, and of the same as bf16 on the way. */
  private static long roundedBytes(int columns, int rows) {
    return rows * ((long) columns * Float.BYTES + narrowBytes(columns));
  }

  private static long narrowBytes(int columns) {
    return (long) Math.ceilDiv(columns, RowRounding.COLUMNS) * RowRounding.COLUMNS * Short.BYTES;
  }

  /** {@code y = x} rounded to the numbers of bf16; a NaN stays one. */
  static void round(Rows x, Rows y, int from, int to) {
    for (int r = from; r < to; r++) {
      round(VectorLinear.address(x, r, 0), VectorLinear.address(y, r, 0), x.width());
    }
  }

  /** As many numbers; y may be x. */
  static void round(long x, long y, int width) {
    int[] bits = Desk.ofThread().bits;
    for (int c = 0; c < width; c += bits.length) {
      int n = Math.min(bits.length, width - c);
      Memory.read(x + 4L * c, bits, n);
      round(bits, n);
      Memory.write(bits, y + 4L * c, n);
    }
  }

  private static void round(int[] bits, int n) {
    for (int i = 0; i < n; i++) {
      bits[i] = nearest(bits[i]);
    }
  }

  /** Numbers {@code at ... at + n} in place. */
  static void round(float[] values, int at, int n) {
    for (int i = at; i < at + n; i++) {
      values[i] = Float.intBitsToFloat(nearest(Float.floatToRawIntBits(values[i])));
    }
  }

  /** Half of the last bit that stays is added, less a little where that bit is even; to a NaN, whose bits would overflow, nothing. */
  private static int nearest(int bits) {
    int nan = (INFINITY - (bits & Integer.MAX_VALUE)) >> 31;
    return (bits + ((0x7fff + ((bits >>> 16) & 1)) & ~nan)) & (0xffff_0000 | nan);
  }
}
