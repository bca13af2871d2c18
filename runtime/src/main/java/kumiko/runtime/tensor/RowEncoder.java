package kumiko.runtime.tensor;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Rows of float32 to the bytes of a quantised type, with the operations and the rounding of their publications: the reference quantisers
 * of ggml (ggml-quants.c, {@code quantize_row_q8_0_ref} and {@code quantize_row_q4_0_ref}), and the weights of LLM.int8() (Dettmers et al.
 * 2022, arXiv:2208.07339, section 2.2). {@link BlockTile} says where blocks lie.
 */
public final class RowEncoder {
  private static final float LARGEST_HALF = 65504;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);

  private RowEncoder() {}

  /**
   * Bytes of a matrix, the units of its rows included.
   *
   * @param columns whole blocks
   */
  public static long bytes(DType type, int rows, int columns) {
    return type == DType.I8_ROWS ? rows * stride(columns) : BlockTile.bytes(type, rows, columns);
  }

  /** The matrix in {@link #bytes} bytes. */
  public static Matrix matrix(DType type, int rows, int columns, MemorySegment data) {
    Slab slab = type == DType.I8_ROWS
        ? new Slab(data, Float.BYTES, 0, 1, rows, 0, columns, stride(columns), 1)
        : new Slab(data, 0, 0, 1, rows, 0, columns, columns, 1);
    return new Matrix(type, rows, columns, List.of(slab));
  }

  /** Bytes from a row of {@link DType#I8_ROWS} to the next. */
  private static long stride(int columns) {
    return columns + (long) Float.BYTES;
  }

  /** The largest magnitude that the type can hold; beyond it a float16 scale would be infinite. */
  public static float largest(DType type) {
    return switch (type) {
      case Q8_0 -> 127 * LARGEST_HALF;
      case Q4_0 -> 8 * LARGEST_HALF;
      case I8_ROWS -> Float.MAX_VALUE;
      default -> throw unsupported(type);
    };
  }

  /**
   * Writes row {@code index} of a {@link #matrix}. All elements are finite and within {@link #largest}.
   *
   * @throws UnsupportedOperationException for a type that is not quantised
   */
  public static void encode(DType type, float[] row, MemorySegment data, int index) {
    switch (type) {
      case Q8_0, Q4_0 -> {
        int[] levels = new int[BlockTile.COLUMNS];
        for (int c = 0; c < row.length; c += levels.length) {
          float scale = type == DType.Q8_0 ? q8(row, c, levels) : q4(row, c, levels);
          BlockTile.set(type, data, row.length, index, c, Float.floatToFloat16(scale), levels);
        }
      }
      case I8_ROWS -> int8(row, data, index * stride(row.length));
      default -> throw unsupported(type);
    }
  }

  private static UnsupportedOperationException unsupported(DType type) {
    return new UnsupportedOperationException(type + " is no quantised type");
  }

  /** The scale is the largest magnitude / 127; halves are rounded away from zero. */
  private static float q8(float[] row, int from, int[] levels) {
    float scale = largest(row, from, levels.length) / 127;
    float inverse = inverse(scale);
    for (int i = 0; i < levels.length; i++) {
      double level = row[from + i] * inverse;
      levels[i] = (int) Math.copySign(Math.floor(Math.abs(level) + 0.5), level);
    }
    return scale;
  }

  /** The scale is the element of the largest magnitude, with its sign, / -8: that element is always a level, its negative is not. */
  private static float q4(float[] row, int from, int[] levels) {
    float most = 0;
    for (int i = from; i < from + levels.length; i++) {
      most = Math.abs(row[i]) > Math.abs(most) ? row[i] : most;
    }
    float scale = most / -8;
    float inverse = inverse(scale);
    for (int i = 0; i < levels.length; i++) {
      levels[i] = Math.min(15, (int) (row[from + i] * inverse + 8.5f)) - 8;
    }
    return scale;
  }

  /** The unit is the largest magnitude of the row / 127; halves are rounded to even. */
  private static void int8(float[] row, MemorySegment out, long at) {
    float largest = largest(row, 0, row.length);
    float toLevel = 127 / largest;
    boolean empty = Float.isInfinite(toLevel);
    out.set(FLOAT, at, empty ? 0 : largest / 127);
    for (int c = 0; c < row.length; c++) {
      out.set(ValueLayout.JAVA_BYTE, at + Float.BYTES + c, empty ? 0 : (byte) Math.rint(row[c] * toLevel));
    }
  }

  private static float largest(float[] row, int from, int n) {
    float largest = 0;
    for (int i = from; i < from + n; i++) {
      largest = Math.max(largest, Math.abs(row[i]));
    }
    return largest;
  }

  /** 1 / scale, or 0 where the scale is so small that there is none. */
  private static float inverse(float scale) {
    float inverse = 1 / scale;
    return Float.isInfinite(inverse) ? 0 : inverse;
  }
}
