package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import kumiko.runtime.tensor.Rows;

/**
 * Attention of one head for a block of rows at once, without the whole score matrix: keys come a tile at a time, and what was mixed
 * before is scaled down when a larger score appears (Milakov and Gimelshein 2018, arXiv:1805.02867; Dao et al. 2022, arXiv:2205.14135).
 *
 * <p>A vector holds the scores of neighbouring rows for one key, so maxima and sums need no lane to meet another. They are at once the
 * multipliers that {@link MicroKernels#twelveSideBySide} reads.
 */
final class AttentionTile {
  /** Rows of queries: whole panels, and whole dozens. */
  static final int ROWS = 96;

  /** Rows below which a row at a time is quicker. */
  static final int LEAST_ROWS = 8;

  /** The longest head that the block for keys has room for. */
  static final int MOST_DIMS = VectorGemm.DEPTH;

  private static final int UPPER = 0xffff_0000;
  private static final int HALF = 0x7fff;
  private static final int KEYS = 96;
  private static final int PANEL = VectorGemm.PANEL;
  private static final int TILE = VectorGemm.TILE;
  private static final ThreadLocal<AttentionTile> TILES = ThreadLocal.withInitial(AttentionTile::new);

  private final float[] queries = new float[ROWS * MOST_DIMS];
  private final float[] keyRows = new float[TILE * VectorGemm.STRIDE];
  private final float[] scores = new float[KEYS * ROWS];
  private final float[] valueRows = new float[KEYS * MOST_DIMS];
  private final float[] mixed = new float[ROWS * MOST_DIMS];
  private final float[] tile = new float[TILE * PANEL];
  private final float[] first = new float[ROWS];
  private final float[] end = new float[ROWS];
  private final float[] max = new float[ROWS];
  private final float[] before = new float[ROWS];
  private final float[] sum = new float[ROWS];
  private CacheElement cache;
  private boolean rounded;
  private int headDim;
  private int rows;
  private int panels;
  private int lowest;
  private int highest;

  private AttentionTile() {}

  /**
   * Rows {@code from .. from + rows} of the head that begins in column {@code column}; keys and values are addresses of its cache.
   *
   * @param floor rows that do not see all {@code total} keys need a score above this
   * @param rounded whether queries and exponentials are rounded to bf16
   *
   * @return whether it was done: not when a score is below the floor, or a value is not a number, which a key that is left out must not
   *     pass on; nothing was written then
   */
  static boolean attend(
      CacheElement cache, Rows query, int column, long keys, long values, int headDim, MemorySegment visible, int total, float scale,
      double floor, Rows out, boolean rounded, int from, int rows) {
    AttentionTile own = TILES.get();
    own.cache = cache;
    own.rounded = rounded;
    own.begin(query, column, headDim, visible, from, rows);
    for (int key = own.lowest; key < own.highest; key += KEYS) {
      int count = Math.min(KEYS, own.highest - key);
      long at = cache.bytes() * key * headDim;
      if (!own.readValues(values + at, count)) {
        return false;
      }
      own.score(keys + at, count);
      own.soften(key, count, scale);
      own.mix(count);
    }
    return own.finish(total, floor, out, from, column);
  }

  private void begin(Rows query, int column, int dims, MemorySegment visible, int from, int count) {
    headDim = dims;
    rows = count;
    panels = Math.ceilDiv(count, PANEL);
    PanelPacker.pack(VectorLinear.address(query, from, column), 4L * query.stride(), count, dims, queries);
    round(queries, 0, panels * PANEL * dims);
    lowest = Integer.MAX_VALUE;
    highest = 0;
    for (int r = 0; r < ROWS; r++) {
      long at = visible.address() + 8L * (from + r);
      int begin = r < count ? Memory.getInt(at) : 0;
      int stop = r < count ? Memory.getInt(at + 4) : 0;
      first[r] = begin;
      end[r] = stop;
      if (begin < stop) {
        lowest = Math.min(lowest, begin);
        highest = Math.max(highest, stop);
      }
    }
    // Less than any score, but not infinite: an infinity less itself is not a number.
    Arrays.fill(max, -Float.MAX_VALUE);
    Arrays.fill(sum, 0);
    Arrays.fill(mixed, 0, ROWS * width(), 0);
  }

  /** Columns of what is mixed: whole panels. */
  private int width() {
    return Math.ceilDiv(headDim, PANEL) * PANEL;
  }

  /** Values as panels; whether all of them are numbers. */
  private boolean readValues(long values, int count) {
    for (int d = 0; d < headDim; d += PANEL) {
      int columns = Math.min(PANEL, headDim - d);
      for (int k = 0; k < count; k++) {
        int at = d * count + k * PANEL;
        cache.rows().read(values + cache.bytes() * (k * headDim + d), 0, columns, valueRows, at);
        Arrays.fill(valueRows, at + columns, at + PANEL, 0);
      }
    }
    return isFinite(valueRows, width() * count);
  }

  /** Zero times anything else is not zero. */
  private static boolean isFinite(float[] values, int n) {
    FloatVector zero = Lanes.zero();
    for (int c = 0; c < n; c += Lanes.COUNT) {
      zero = FloatVector.fromArray(Lanes.F32, values, c).fma(Lanes.zero(), zero);
    }
    zero.intoArray(Desk.ofThread().room, 0);
    return Lanes.sum(Desk.ofThread().room, 0) == 0;
  }

  private void score(long keys, int count) {
    for (int i = 0; i < count; i += TILE) {
      int taken = Math.min(TILE, count - i);
      for (int j = 0; j < taken; j++) {
        cache.rows().read(keys + cache.bytes() * (i + j) * headDim, 0, headDim, keyRows, j * VectorGemm.STRIDE);
      }
      for (int p = 0; p < panels; p++) {
        MicroKernels.twelve(keyRows, queries, p * PANEL * headDim, headDim, tile);
        for (int j = 0; j < taken; j++) {
          System.arraycopy(tile, j * PANEL, scores, (i + j) * ROWS + p * PANEL, PANEL);
        }
      }
    }
  }

  /** Scores become exponentials, {@code before} the factors of what was mixed and summed with the old maxima. */
  private void soften(int key, int count, float scale) {
    System.arraycopy(max, 0, before, 0, ROWS);
    for (int r = 0; r < panels * PANEL; r += Lanes.COUNT) {
      VectorSoftmax.mask(scores, r, ROWS, count, scale, key, first, end, r);
      VectorSoftmax.maxima(scores, r, ROWS, count, max, r);
    }
    for (int r = 0; r < rows; r++) {
      before[r] = before[r] == max[r] ? 1 : (float) Math.exp((double) before[r] - max[r]);
      sum[r] *= before[r];
    }
    for (int r = 0; r < panels * PANEL; r += Lanes.COUNT) {
      VectorSoftmax.exponentials(scores, r, ROWS, count, max, sum, r);
    }
    round(scores, 0, count * ROWS);
  }

  /**
   * Whole vectors to the nearest numbers of bf16: half of the last bit that stays is added, less a little where that bit is even; to what is
   * not a number nothing, as its bits would overflow.
   */
  private void round(float[] numbers, int at, int n) {
    for (int c = at; rounded && c < at + n; c += Lanes.COUNT) {
      FloatVector value = FloatVector.fromArray(Lanes.F32, numbers, c);
      IntVector bits = value.reinterpretAsInts();
      IntVector last = bits.lanewise(VectorOperators.LSHR, Short.SIZE).and(1);
      FloatVector nearest = bits.add(last).add(HALF).and(UPPER).reinterpretAsFloats();
      nearest.blend(value, value.test(VectorOperators.IS_NAN)).intoArray(numbers, c);
    }
  }

  private void mix(int count) {
    for (int r = 0; r < rows; r += TILE) {
      for (int d = 0; d < headDim; d += PANEL) {
        MicroKernels.twelveSideBySide(scores, r, valueRows, d * count, count, tile);
        for (int i = 0; i < TILE; i++) {
          addScaled((r + i) * width() + d, before[r + i], i * PANEL);
        }
      }
    }
  }

  private void addScaled(int to, float factor, int from) {
    for (int c = 0; c < PANEL; c += Lanes.COUNT) {
      FloatVector old = FloatVector.fromArray(Lanes.F32, mixed, to + c);
      old.fma(Lanes.all(factor), FloatVector.fromArray(Lanes.F32, tile, from + c)).intoArray(mixed, to + c);
    }
  }

  private boolean finish(int total, double floor, Rows out, int from, int column) {
    for (int r = 0; r < rows; r++) {
      if (end[r] - first[r] < total && max[r] < floor) {
        return false;
      }
    }
    for (int r = 0; r < rows; r++) {
      long at = VectorLinear.address(out, from + r, column);
      Memory.write(mixed, r * width(), at, headDim);
      VectorElements.scaleRow(at, sum[r] == 0 ? 0 : 1 / sum[r], at, headDim);
    }
    return true;
  }
}
