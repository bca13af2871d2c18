package kumiko.runtime.tensor;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How a matrix of {@link DType#Q8_0} or {@link DType#Q4_0} lies in memory: in tiles of {@value #ROWS} rows by {@value #COLUMNS} columns, one
 * block of each row. Tiles follow one another along the columns, then down the rows, which are filled up to whole tiles.
 *
 * <p>A tile begins with the float16 scales of its rows. Then follow its numbers, four neighbouring columns of a row in four bytes, and these
 * of all rows together, so that a product of 16 rows needs no sum within a vector:
 * <ul>
 *   <li>Q8_0: for columns 0 to 3, then 4 to 7 and so on up to 28 to 31: the bytes of row 0, of row 1, ..., each 128 more than its number;
 *   <li>Q4_0: for columns 0 to 3 and 16 to 19, then 4 to 7 and 20 to 23 and so on: the bytes of row 0, of row 1, ..., whose lower halves are
 *       the former, the upper ones the latter, each 8 more than its number.
 * </ul>
 *
 * <p>So a tile is whole lines of 64 bytes and takes what its blocks take in a file of GGUF. Rows and columns below count from 0.
 */
public final class BlockTile {
  /** Of a tile. */
  public static final int ROWS = 32;

  /** Of a tile: those of a block. */
  public static final int COLUMNS = 32;

  /** Of the scales in front of a tile's numbers. */
  public static final int SCALE_BYTES = ROWS * Short.BYTES;

  /** Of four columns of all rows. */
  public static final int STEP_BYTES = ROWS * Integer.BYTES;

  private static final int STEP = 4;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);

  private BlockTile() {}

  /** Whether matrices of this type lie in tiles. */
  public static boolean holds(DType type) {
    return type == DType.Q8_0 || type == DType.Q4_0;
  }

  /** Bytes of a tile. */
  public static int bytes(DType type) {
    return ROWS * type.blockBytes();
  }

  /** Bytes of a matrix; its columns are whole blocks. */
  public static long bytes(DType type, int rows, long columns) {
    return Math.multiplyExact(Math.ceilDiv(rows, ROWS) * (long) ROWS, type.bytes(columns));
  }

  /** Bytes from the beginning of a matrix to the tile that has this element. */
  public static long offset(DType type, long columns, int row, int column) {
    return row / ROWS * type.bytes(ROWS * columns) + column / COLUMNS * (long) bytes(type);
  }

  /** How much more than its number is stored. */
  public static int excess(DType type) {
    return type == DType.Q8_0 ? 128 : 8;
  }

  static double get(DType type, MemorySegment data, long columns, int row, int column) {
    long tile = offset(type, columns, row, column);
    float scale = Float.float16ToFloat(data.get(SHORT, tile + scaleAt(row)));
    int within = column % COLUMNS;
    int half = COLUMNS / 2;
    int bits = type == DType.Q8_0
        ? data.get(ValueLayout.JAVA_BYTE, tile + at(row, within)) & 0xff
        : data.get(ValueLayout.JAVA_BYTE, tile + at(row, within % half)) >> (within < half ? 0 : 4) & 15;
    return scale * (double) (bits - excess(type));
  }

  /**
   * Puts a block of one row in its place.
   *
   * @param scale of float16
   * @param numbers without their excess, from {@code -excess} to {@code excess - 1}
   */
  static void set(DType type, MemorySegment data, long columns, int row, int column, short scale, int[] numbers) {
    long tile = offset(type, columns, row, column);
    data.set(SHORT, tile + scaleAt(row), scale);
    int half = COLUMNS / 2;
    int excess = excess(type);
    for (int c = 0; c < (type == DType.Q8_0 ? COLUMNS : half); c += STEP) {
      int word = 0;
      for (int i = 0; i < STEP; i++) {
        int bits = numbers[c + i] + excess;
        word |= (type == DType.Q8_0 ? bits : bits | (numbers[half + c + i] + excess) << 4) << (Byte.SIZE * i);
      }
      data.set(INT, tile + at(row, c), word);
    }
  }

  private static long scaleAt(int row) {
    return (long) row % ROWS * Short.BYTES;
  }

  private static long at(int row, int column) {
    return SCALE_BYTES + (long) column / STEP * STEP_BYTES + (long) row % ROWS * STEP + column % STEP;
  }
}
