package kumiko.runtime.machine;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.IntFunction;
import kumiko.runtime.tensor.BlockTile;
import kumiko.runtime.tensor.DType;

/**
 * Products of few rows of float32 with weights in {@link BlockTile tiles of blocks}, in whole numbers, by AVX512_VNNI and AVX512_VBMI.
 *
 * <p>The float32 of a block become whole numbers of two or three digits of 8 bits, with a power of two as their common unit: each is
 * rounded by at most 0.51 times 2^-14 or 2^-22 of the block's largest. The products of each digit with the weights of the block are summed exactly;
 * these sums are put together, and those of all blocks added, in float32. Where a block has no number larger than 2^-100 its unit is that of
 * 2^-100; where it has one that is not finite, the results are no numbers.
 *
 * <p>By AVX2 all is float32.
 */
public final class BlockProduct {
  /** Rows that can be multiplied together. */
  private static final int[] TOGETHER = {1, 4, 8};

  /** Most rows that are multiplied together. */
  public static final int MOST_ROWS = TOGETHER[TOGETHER.length - 1];

  /** Of a packed row: columns that are packed together, and bytes of a block. */
  private final int groupColumns;

  private final int blockBytes;
  private final Map<DType, Routine> packs = new EnumMap<>(DType.class);
  private final Map<DType, Routine[]> dots = new EnumMap<>(DType.class);

  /** Of one row with weights from {@link #streams} places; empty where that is 1. */
  private final Map<DType, Routine> streamDots = new EnumMap<>(DType.class);

  private final int streams;

  /** @param digits 2 or 3 */
  BlockProduct(int digits, Ahead ahead, CodeInstaller installer) {
    streams = ahead.streams();
    if (installer.vectors() < Assembler.VECTORS) {
      groupColumns = BlockTile.COLUMNS;
      blockBytes = BlockHalvesCode.BYTES;
      for (WeightBlock type : WeightBlock.values()) {
        packs.put(type.type(), installer.install(BlockHalvesCode::packCode));
        dots.put(type.type(), together(rows -> installer.install(code -> BlockHalvesCode.code(code, type, rows, ahead))));
      }
      return;
    }
    groupColumns = BlockPackCode.groupColumns();
    blockBytes = BlockPackCode.bytes(digits);
    for (WeightBlock type : WeightBlock.values()) {
      packs.put(type.type(), installer.install(code -> BlockPackCode.code(code, type, digits)));
      dots.put(type.type(), together(rows -> installer.install(code -> BlockDotCode.code(code, type, digits, rows, ahead, 1))));
      if (streams > 1) {
        streamDots.put(type.type(), installer.install(code -> BlockDotCode.code(code, type, digits, 1, ahead, streams)));
      }
    }
  }

  private static Routine[] together(IntFunction<Routine> routine) {
    Routine[] routines = new Routine[TOGETHER.length];
    for (int i = 0; i < TOGETHER.length; i++) {
      routines[i] = routine.apply(TOGETHER[i]);
    }
    return routines;
  }

  /** So many rows, or more: those that are multiplied instead. */
  public static int together(int rows) {
    return TOGETHER[index(rows)];
  }

  private static int index(int rows) {
    int i = 0;
    while (TOGETHER[i] < rows) {
      i++;
    }
    return i;
  }

  /**
   * Bytes of {@code rows} packed rows.
   *
   * @param rows {@link #together} of some
   */
  public long packedBytes(int rows, int columns) {
    return (long) Math.ceilDiv(columns, groupColumns) * (groupColumns / BlockTile.COLUMNS) * rows * blockBytes;
  }

  /**
   * One of the rows of float32 that {@link #dots} takes together.
   *
   * @param x address of {@code columns} float32
   * @param columns whole blocks
   * @param to address of {@link #packedBytes} bytes
   * @param row its place among them
   * @param rows {@link #together} of them
   */
  public void pack(DType type, long x, int columns, long to, int row, int rows) {
    packs.get(type).call(
        x, columns / groupColumns, columns % groupColumns, to + (long) row * blockBytes, (long) rows * blockBytes, 0);
  }

  /**
   * {@code results[p, r, i] = sum over k < columns of x[r, k] * weights[32 p + i, k]} for {@code p < tileRows}, {@code r < rows} and {@code i
   * < 32}.
   *
   * @param tiles address of the first tile
   * @param tileRows at least 1
   * @param packed address of x, packed
   * @param rows {@link #together} of those that are wanted
   * @param columns whole blocks, of the whole matrix
   * @param results address of as many float32
   */
  public void dots(DType type, long tiles, int tileRows, long packed, int rows, int columns, long results) {
    int inRow = columns / BlockTile.COLUMNS;
    int each = rows == 1 && streamDots.containsKey(type) ? tileRows / streams : 0;
    if (each > 0) {
      streamDots.get(type).call(tiles, inRow, each, packed, results, 0);
    }
    int done = each * streams;
    if (done < tileRows) {
      long rest = tiles + (long) done * inRow * BlockTile.bytes(type);
      dots.get(type)[index(rows)].call(rest, inRow, tileRows - done, packed, results + (long) done * BlockTile.ROWS * Float.BYTES, 0);
    }
  }
}
