package kumiko.runtime.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.stream.Stream;

/**
 * Small products whose results are known, before a process relies on tiles: two tiles of weights and a single row, two tiles of lanes and
 * a third, a whole block of columns and a rest; and of many rows a group, both added and written, whole and in parts. All numbers are whole and all sums below
 * 2^24, so that every order of summing gives the same bits.
 *
 * <p>With {@code weights[i, k] = (i + 1) u(k)} and {@code panel[k, lane] = (lane + 1) v(k)} the result is {@code i - lane + (i + 1)(lane +
 * 1) sum over k of u(k) v(k)}, where {@code i - lane} was there before. Part p of either is 2^p times as much.
 */
final class TileTrial {
  static final int ROWS = 33;
  static final int COLUMNS = 37;
  static final int STRIPS = 3;

  private static final int LANES = STRIPS * PanelLayout.STRIP;
  private static final int ROW_FLOATS = PanelLayout.TILE_BYTES / Float.BYTES;

  private TileTrial() {}

  /** Whether every bit of the result is as it must be, and nothing beside it has changed. */
  static boolean passes(PanelProduct product) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment tile = arena.allocate(ROWS * (long) PanelLayout.TILE_BYTES, 64);
      MemorySegment.copy(results(ROWS, LANES, ROW_FLOATS, 0, true), 0, tile, ValueLayout.JAVA_FLOAT, 0, ROWS * ROW_FLOATS);
      MemorySegment weights = bf16(arena, weights(ROWS, COLUMNS));
      MemorySegment panel = bf16(arena, panel(LANES, COLUMNS));
      product.multiply(panel.address(), STRIPS, weights.address(), 2L * COLUMNS, ROWS, COLUMNS, tile.address());
      return Arrays.equals(tile.toArray(ValueLayout.JAVA_FLOAT), results(ROWS, LANES, ROW_FLOATS, sum(COLUMNS), true));
    }
  }

  /** Likewise for a group of rows and two steps of columns. */
  static boolean passes(TileRows product) {
    return Stream.of(TileParts.values()).allMatch(parts -> passes(product, parts, true) && passes(product, parts, false));
  }

  private static boolean passes(TileRows product, TileParts parts, boolean add) {
    int lanes = TileRows.STRIPS * PanelLayout.STRIP;
    int columns = 2 * TileRows.STEP;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment results = arena.allocateFrom(ValueLayout.JAVA_FLOAT, results(TileRows.GROUP, lanes, lanes, 0, true));
      long work = arena.allocate(TileWork.BYTES).address();
      TileWork.PANEL.set(work, bf16(arena, inParts(panel(lanes, columns), TileRows.STEP * lanes, parts.ofWeight())).address());
      TileWork.ROWS.set(work, bf16(arena, inParts(weights(TileRows.GROUP, columns), TileRows.STEP, parts.ofRow())).address());
      TileWork.ROW_STRIDE.set(work, (long) parts.ofRow() * columns * Short.BYTES);
      TileWork.GROUPS.set(work, 1);
      TileWork.STEPS.set(work, 2);
      TileWork.SUMS.set(work, results.address());
      product.multiply(parts, add, work);
      int products = parts.pairs().stream().mapToInt(pair -> 1 << (pair.row() + pair.weight())).sum();
      return Arrays.equals(
          results.toArray(ValueLayout.JAVA_FLOAT), results(TileRows.GROUP, lanes, lanes, products * sum(columns), add));
    }
  }

  /** Every {@code group} numbers, twice them and four times them. */
  private static int[] inParts(int[] numbers, int group, int parts) {
    int[] all = new int[numbers.length * parts];
    for (int i = 0; i < numbers.length; i++) {
      for (int part = 0; part < parts; part++) {
        all[(i / group * parts + part) * group + i % group] = numbers[i] << part;
      }
    }
    return all;
  }

  private static int u(int k) {
    return 1 + k % 5;
  }

  private static int v(int k) {
    return k % 7 - 2;
  }

  private static int sum(int columns) {
    int sum = 0;
    for (int k = 0; k < columns; k++) {
      sum += u(k) * v(k);
    }
    return sum;
  }

  /** @param width elements from one row to the next; those past {@code lanes} are zero */
  private static float[] results(int rows, int lanes, int width, int sum, boolean add) {
    float[] results = new float[rows * width];
    for (int i = 0; i < rows; i++) {
      for (int lane = 0; lane < lanes; lane++) {
        results[i * width + lane] = (add ? i - lane : 0) + (i + 1) * (lane + 1) * sum;
      }
    }
    return results;
  }

  private static int[] weights(int rows, int columns) {
    int[] weights = new int[rows * columns];
    for (int i = 0; i < rows; i++) {
      for (int k = 0; k < columns; k++) {
        weights[i * columns + k] = (i + 1) * u(k);
      }
    }
    return weights;
  }

  private static int[] panel(int lanes, int columns) {
    int[] panel = new int[Math.ceilDiv(columns, 2) * 2 * lanes];
    for (int k = 0; k < columns; k++) {
      for (int lane = 0; lane < lanes; lane++) {
        panel[(k / 2 * lanes + lane) * 2 + k % 2] = (lane + 1) * v(k);
      }
    }
    return panel;
  }

  /** Numbers of at most eight binary digits, which bf16 holds as they are. */
  private static MemorySegment bf16(Arena arena, int[] numbers) {
    short[] halves = new short[numbers.length];
    for (int i = 0; i < numbers.length; i++) {
      halves[i] = (short) (Float.floatToRawIntBits(numbers[i]) >>> 16);
    }
    MemorySegment memory = arena.allocate(Short.BYTES * (long) halves.length, 64);
    MemorySegment.copy(halves, 0, memory, ValueLayout.JAVA_SHORT, 0, halves.length);
    return memory;
  }
}
