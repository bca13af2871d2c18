package kumiko.runtime.tensor;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Rows of float32 to the bytes of a quantised type, with the operations and the rounding of their publications: the reference quantisers
 * of ggml (ggml-quants.c, {@code quantize_row_q8_0_ref} and {@code quantize_row_q4_0_ref}), and the weights of LLM.int8() (Dettmers et al.
 * 2022, arXiv:2208.07339, section 2.2). {@link Elements} says what the bytes mean.
 */
public final class RowEncoder {
  private static final int BLOCK = 32;
  private static final float LARGEST_HALF = 65504;
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);

  private RowEncoder() {}

  /** Bytes of a row of {@code columns} elements, its unit included. */
  public static long rowBytes(DType type, int columns) {
    return type.bytes(columns) + unitBytes(type);
  }

  /** Bytes in front of the first element of a row. */
  public static int unitBytes(DType type) {
    return type == DType.I8_ROWS ? Float.BYTES : 0;
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
   * Writes one row of {@code n} elements, whole blocks, to {@code out} from byte {@code at} on. All elements are finite and within {@link
   * #largest}.
   *
   * @throws UnsupportedOperationException for a type that is not quantised
   */
  public static void encode(DType type, float[] row, int n, MemorySegment out, long at) {
    switch (type) {
      case Q8_0 -> {
        for (int c = 0; c < n; c += BLOCK) {
          q8(row, c, out, at + type.bytes(c));
        }
      }
      case Q4_0 -> {
        for (int c = 0; c < n; c += BLOCK) {
          q4(row, c, out, at + type.bytes(c));
        }
      }
      case I8_ROWS -> int8(row, n, out, at);
      default -> throw unsupported(type);
    }
  }

  private static UnsupportedOperationException unsupported(DType type) {
    return new UnsupportedOperationException(type + " is no quantised type");
  }

  /** The scale is the largest magnitude / 127; halves are rounded away from zero. */
  private static void q8(float[] row, int from, MemorySegment out, long at) {
    float scale = largest(row, from, BLOCK) / 127;
    float inverse = inverse(scale);
    out.set(SHORT, at, Float.floatToFloat16(scale));
    for (int i = 0; i < BLOCK; i++) {
      double level = row[from + i] * inverse;
      out.set(ValueLayout.JAVA_BYTE, at + 2 + i, (byte) Math.copySign(Math.floor(Math.abs(level) + 0.5), level));
    }
  }

  /** The scale is the element of the largest magnitude, with its sign, / -8: that element is always a level, its negative is not. */
  private static void q4(float[] row, int from, MemorySegment out, long at) {
    float most = 0;
    for (int i = 0; i < BLOCK; i++) {
      most = Math.abs(row[from + i]) > Math.abs(most) ? row[from + i] : most;
    }
    float scale = most / -8;
    float inverse = inverse(scale);
    out.set(SHORT, at, Float.floatToFloat16(scale));
    for (int i = 0; i < BLOCK / 2; i++) {
      int low = Math.min(15, (int) (row[from + i] * inverse + 8.5f));
      int high = Math.min(15, (int) (row[from + BLOCK / 2 + i] * inverse + 8.5f));
      out.set(ValueLayout.JAVA_BYTE, at + 2 + i, (byte) (low | high << 4));
    }
  }

  /** The unit is the largest magnitude of the row / 127; halves are rounded to even. */
  private static void int8(float[] row, int n, MemorySegment out, long at) {
    float largest = largest(row, 0, n);
    float toLevel = 127 / largest;
    boolean empty = Float.isInfinite(toLevel);
    out.set(FLOAT, at, empty ? 0 : largest / 127);
    for (int c = 0; c < n; c++) {
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
