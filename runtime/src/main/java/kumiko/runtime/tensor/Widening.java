package kumiko.runtime.tensor;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Rows of stored matrices as float32, exactly. Moves whole rows and then works on arrays: what a JVM does well that has compiled nothing
 * yet, and the kernels of a model's first token are not compiled.
 */
public final class Widening {
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);

  private Widening() {}

  /** Whether {@link #copy} takes the matrix: float32, float16 or bfloat16, and not a sum of several. */
  public static boolean takes(Matrix matrix) {
    return switch (matrix.dtype()) {
      case F32, F16, BF16 -> !matrix.isSummed();
      default -> false;
    };
  }

  /** Writes all rows to {@code out}, row-major in float32. */
  public static void copy(Matrix matrix, MemorySegment out) {
    switch (matrix.dtype()) {
      case F32 -> Dense.copyRows(matrix, 0, matrix.rows(), out);
      case F16, BF16 -> widened(matrix, out);
      default -> throw new UnsupportedOperationException(matrix.dtype() + " is not widened to float32");
    }
  }

  private static void widened(Matrix matrix, MemorySegment out) {
    short[] stored = new short[matrix.columns()];
    int[] bits = new int[matrix.columns()];
    MemorySegment row = MemorySegment.ofArray(new byte[2 * stored.length]);
    for (int r = 0; r < matrix.rows(); r++) {
      Dense.copyRows(matrix, r, 1, row);
      MemorySegment.copy(row, SHORT, 0, stored, 0, stored.length);
      if (matrix.dtype() == DType.BF16) {
        bfloat16(stored, bits);
      } else {
        half(stored, bits);
      }
      MemorySegment.copy(bits, 0, out, INT, 4L * r * bits.length, bits.length);
    }
  }

  private static void bfloat16(short[] stored, int[] bits) {
    for (int c = 0; c < stored.length; c++) {
      bits[c] = stored[c] << 16;
    }
  }

  private static void half(short[] stored, int[] bits) {
    for (int c = 0; c < stored.length; c++) {
      bits[c] = Float.floatToRawIntBits(Float.float16ToFloat(stored[c]));
    }
  }
}
