package kumiko.runtime.kernel;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import kumiko.runtime.tensor.BlockTile;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/** Weights in {@link BlockTile tiles of blocks} by the Vector API: a vector holds neighbouring rows. */
final class VectorBlocks {
  private static final int STEP = Integer.BYTES;
  private static final int HALF = BlockTile.COLUMNS / 2;
  private static final IntVector BYTE = IntVector.broadcast(Lanes.I32, 255);
  private static final FloatVector TWO_23_AND_128 = FloatVector.broadcast(Lanes.F32, 0x1p23f + 128);

  private VectorBlocks() {}

  /** {@code y += x w^T} for weights {@code [first, end)} of a slab. */
  static void multiply(DType type, Slab slab, Rows x, Rows y, int rows, int first, int end) {
    Desk desk = Desk.ofThread();
    int n = slab.columns();
    float[] in = desk.rows(n);
    float[] sums = desk.results();
    for (int r = 0; r < rows; r++) {
      Memory.read(VectorLinear.address(x, r, slab.column()), in, 0, n);
      for (int i = first / BlockTile.ROWS * BlockTile.ROWS; i < end; i += BlockTile.ROWS) {
        dots(type, slab.data().address() + BlockTile.offset(type, n, i, 0), in, n, sums, desk.scores(BlockTile.ROWS));
        int begin = Math.max(first, i);
        int count = Math.min(end, i + BlockTile.ROWS) - begin;
        VectorElements.addArray(sums, begin - i, VectorLinear.address(y, r, slab.row() + begin), count);
      }
    }
  }

  /** Of one row of activations with the 32 rows of neighbouring tiles. */
  private static void dots(DType type, long tiles, float[] x, int n, float[] sums, float[] ofTile) {
    Arrays.fill(sums, 0, BlockTile.ROWS, 0);
    long tile = tiles;
    for (int k = 0; k < n; k += BlockTile.COLUMNS) {
      if (type == DType.Q8_0) {
        dotsOfBytes(tile + BlockTile.SCALE_BYTES, x, k, ofTile);
      } else {
        dotsOfHalves(tile + BlockTile.SCALE_BYTES, x, k, ofTile);
      }
      for (int i = 0; i < BlockTile.ROWS; i++) {
        sums[i] = Math.fma(ofTile[i], Memory.getF16(tile + (long) Short.BYTES * i), sums[i]);
      }
      tile += BlockTile.bytes(type);
    }
  }

  private static void dotsOfBytes(long weights, float[] x, int from, float[] out) {
    for (int v = 0; v < BlockTile.ROWS; v += Lanes.COUNT) {
      FloatVector first = Lanes.zero();
      FloatVector second = Lanes.zero();
      FloatVector third = Lanes.zero();
      FloatVector fourth = Lanes.zero();
      long at = weights + (long) STEP * v;
      for (int k = from; k < from + BlockTile.COLUMNS; k += STEP) {
        IntVector bytes = Lanes.loadInts(at);
        FloatVector a = bytes.and(BYTE).or(Lanes.TWO_23).reinterpretAsFloats().sub(TWO_23_AND_128);
        first = a.fma(FloatVector.broadcast(Lanes.F32, x[k]), first);
        bytes = bytes.lanewise(VectorOperators.LSHR, Lanes.EIGHT);
        FloatVector b = bytes.and(BYTE).or(Lanes.TWO_23).reinterpretAsFloats().sub(TWO_23_AND_128);
        second = b.fma(FloatVector.broadcast(Lanes.F32, x[k + 1]), second);
        bytes = bytes.lanewise(VectorOperators.LSHR, Lanes.EIGHT);
        FloatVector c = bytes.and(BYTE).or(Lanes.TWO_23).reinterpretAsFloats().sub(TWO_23_AND_128);
        third = c.fma(FloatVector.broadcast(Lanes.F32, x[k + 2]), third);
        bytes = bytes.lanewise(VectorOperators.LSHR, Lanes.EIGHT);
        FloatVector d = bytes.and(BYTE).or(Lanes.TWO_23).reinterpretAsFloats().sub(TWO_23_AND_128);
        fourth = d.fma(FloatVector.broadcast(Lanes.F32, x[k + 3]), fourth);
        at += BlockTile.STEP_BYTES;
      }
      first.add(second).add(third.add(fourth)).intoArray(out, v);
    }
  }

  private static void dotsOfHalves(long weights, float[] x, int from, float[] out) {
    for (int v = 0; v < BlockTile.ROWS; v += Lanes.COUNT) {
      FloatVector low = Lanes.zero();
      FloatVector high = Lanes.zero();
      long at = weights + (long) STEP * v;
      for (int k = from; k < from + HALF; k += STEP) {
        IntVector bytes = Lanes.loadInts(at);
        FloatVector a = bytes.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        low = a.fma(FloatVector.broadcast(Lanes.F32, x[k]), low);
        bytes = bytes.lanewise(VectorOperators.LSHR, Lanes.FOUR);
        FloatVector b = bytes.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        high = b.fma(FloatVector.broadcast(Lanes.F32, x[HALF + k]), high);
        bytes = bytes.lanewise(VectorOperators.LSHR, Lanes.FOUR);
        FloatVector c = bytes.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        low = c.fma(FloatVector.broadcast(Lanes.F32, x[k + 1]), low);
        bytes = bytes.lanewise(VectorOperators.LSHR, Lanes.FOUR);
        FloatVector d = bytes.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        high = d.fma(FloatVector.broadcast(Lanes.F32, x[HALF + k + 1]), high);
        bytes = bytes.lanewise(VectorOperators.LSHR, Lanes.FOUR);
        FloatVector e = bytes.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        low = e.fma(FloatVector.broadcast(Lanes.F32, x[k + 2]), low);
        bytes = bytes.lanewise(VectorOperators.LSHR, Lanes.FOUR);
        FloatVector f = bytes.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        high = f.fma(FloatVector.broadcast(Lanes.F32, x[HALF + k + 2]), high);
        bytes = bytes.lanewise(VectorOperators.LSHR, Lanes.FOUR);
        FloatVector g = bytes.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        low = g.fma(FloatVector.broadcast(Lanes.F32, x[k + 3]), low);
        bytes = bytes.lanewise(VectorOperators.LSHR, Lanes.FOUR);
        FloatVector h = bytes.and(Lanes.NIBBLE).or(Lanes.TWO_23).reinterpretAsFloats().sub(Lanes.TWO_23_AND_8);
        high = h.fma(FloatVector.broadcast(Lanes.F32, x[HALF + k + 3]), high);
        at += BlockTile.STEP_BYTES;
      }
      low.add(high).intoArray(out, v);
    }
  }

  /** Columns {@code k ... k + n}, whole blocks, of one row of weights as float32 to {@code out[at ...]}. */
  static void read(DType type, Slab slab, int row, int k, int n, float[] out, int at) {
    long tile = slab.data().address() + BlockTile.offset(type, slab.columns(), row, k);
    int within = row % BlockTile.ROWS;
    for (int c = 0; c < n; c += BlockTile.COLUMNS) {
      float scale = Memory.getF16(tile + (long) Short.BYTES * within);
      long words = tile + BlockTile.SCALE_BYTES + (long) STEP * within;
      if (type == DType.Q8_0) {
        for (int i = 0; i < BlockTile.COLUMNS; i++) {
          int word = Memory.getInt(words + (long) i / STEP * BlockTile.STEP_BYTES);
          out[at + c + i] = scale * (((word >>> (i % STEP * Byte.SIZE)) & 255) - BlockTile.excess(type));
        }
      } else {
        for (int i = 0; i < HALF; i++) {
          int word = Memory.getInt(words + (long) i / STEP * BlockTile.STEP_BYTES) >>> (i % STEP * Byte.SIZE);
          out[at + c + i] = scale * ((word & 15) - BlockTile.excess(type));
          out[at + c + HALF + i] = scale * (((word >>> 4) & 15) - BlockTile.excess(type));
        }
      }
      tile += BlockTile.bytes(type);
    }
  }
}
