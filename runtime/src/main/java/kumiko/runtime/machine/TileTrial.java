package kumiko.runtime.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * One small product whose result is known, before a process relies on tiles: two tiles of weights and a single row, two tiles of lanes and
 * a third, a whole block of columns and a rest. All numbers are whole and all sums below 2^24, so that every order of summing gives the
 * same bits.
 *
 * <p>With {@code weights[i, k] = (i + 1) u(k)} and {@code panel[k, lane] = (lane + 1) v(k)} the result is {@code i - lane + (i + 1)(lane +
 * 1) sum over k of u(k) v(k)}.
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
      MemorySegment.copy(results(0), 0, tile, ValueLayout.JAVA_FLOAT, 0, ROWS * ROW_FLOATS);
      MemorySegment weights = bf16(arena, weights());
      MemorySegment panel = bf16(arena, panel());
      product.multiply(panel.address(), STRIPS, weights.address(), 2L * COLUMNS, ROWS, COLUMNS, tile.address());
      return Arrays.equals(tile.toArray(ValueLayout.JAVA_FLOAT), results(sum()));
    }
  }

  private static int u(int k) {
    return 1 + k % 5;
  }

  private static int v(int k) {
    return k % 7 - 2;
  }

  private static int sum() {
    int sum = 0;
    for (int k = 0; k < COLUMNS; k++) {
      sum += u(k) * v(k);
    }
    return sum;
  }

  private static float[] results(int sum) {
    float[] results = new float[ROWS * ROW_FLOATS];
    for (int i = 0; i < ROWS; i++) {
      for (int lane = 0; lane < LANES; lane++) {
        results[i * ROW_FLOATS + lane] = i - lane + (i + 1) * (lane + 1) * sum;
      }
    }
    return results;
  }

  private static int[] weights() {
    int[] weights = new int[ROWS * COLUMNS];
    for (int i = 0; i < ROWS; i++) {
      for (int k = 0; k < COLUMNS; k++) {
        weights[i * COLUMNS + k] = (i + 1) * u(k);
      }
    }
    return weights;
  }

  private static int[] panel() {
    int[] panel = new int[Math.ceilDiv(COLUMNS, 2) * 2 * LANES];
    for (int k = 0; k < COLUMNS; k++) {
      for (int lane = 0; lane < LANES; lane++) {
        panel[(k / 2 * LANES + lane) * 2 + k % 2] = (lane + 1) * v(k);
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
