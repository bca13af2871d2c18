package kumiko.runtime.tensor;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Single elements of stored tensors: what the bytes of every {@link DType} mean. For code that need not be fast, and the definition
 * for code that must be.
 */
public final class Elements {
  private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  private Elements() {}

  /** Element {@code index}, as a multiple of {@link #rowUnit} where rows have one; exact except for integers beyond 2^53. */
  public static double get(DType type, MemorySegment data, long index) {
    return switch (type) {
      case F64 -> data.get(DOUBLE, 8 * index);
      case F32 -> data.get(FLOAT, 4 * index);
      case F16 -> half(data, 2 * index);
      case BF16 -> bfloat16(data.get(SHORT, 2 * index));
      case F8_E4M3 -> e4m3(data.get(BYTE, index));
      case F8_E5M2 -> Float.float16ToFloat((short) (data.get(BYTE, index) << 8));
      case I64 -> data.get(LONG, 8 * index);
      case I32 -> data.get(INT, 4 * index);
      case I16 -> data.get(SHORT, 2 * index);
      case I8, I8_ROWS -> data.get(BYTE, index);
      case U64 -> unsigned(data.get(LONG, 8 * index));
      case U32 -> Integer.toUnsignedLong(data.get(INT, 4 * index));
      case U16 -> Short.toUnsignedInt(data.get(SHORT, 2 * index));
      case U8 -> Byte.toUnsignedInt(data.get(BYTE, index));
      case BOOL -> data.get(BYTE, index) == 0 ? 0 : 1;
      case Q8_0, Q4_0 -> throw new IllegalArgumentException(type + " lies in tiles; ask for row and column");
    };
  }

  /** Element {@code (row, column)} of a slab, as a multiple of its {@link #rowUnit}. */
  public static double get(DType type, Slab slab, int row, int column) {
    return BlockTile.holds(type)
        ? BlockTile.get(type, slab.data(), slab.rowStride(), row, column)
        : get(type, slab.data(), slab.offset() + row * slab.rowStride() + column * slab.columnStride());
  }

  /** What the elements of a row of a slab are multiples of; 1 for all types but {@link DType#I8_ROWS}. */
  public static double rowUnit(DType type, Slab slab, int row) {
    return type == DType.I8_ROWS ? slab.data().get(FLOAT, slab.offset() + row * slab.rowStride() - Float.BYTES) : 1;
  }

  /**
   * Stores {@code value}, rounded to nearest.
   *
   * @throws UnsupportedOperationException for a type other than F64, F32, F16 and BF16
   */
  public static void set(DType type, MemorySegment data, long index, double value) {
    switch (type) {
      case F64 -> data.set(DOUBLE, 8 * index, value);
      case F32 -> data.set(FLOAT, 4 * index, (float) value);
      case F16 -> data.set(SHORT, 2 * index, Float.floatToFloat16((float) value));
      case BF16 -> data.set(SHORT, 2 * index, bfloat16((float) value));
      default -> throw new UnsupportedOperationException("single elements of " + type + " are not written");
    }
  }

  private static double half(MemorySegment data, long offset) {
    return Float.float16ToFloat(data.get(SHORT, offset));
  }

  private static float bfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** The nearest number that bf16 has, of two equally near the even one; a NaN stays one. */
  public static float nearestBfloat16(float value) {
    return bfloat16(bfloat16(value));
  }

  /** Rounds to nearest, ties to even; a NaN stays one. */
  private static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40);
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }

  /** Four exponent bits of bias 7, three of mantissa; no infinities, all ones is NaN. Micikevicius et al. 2022, arXiv:2209.05433. */
  private static double e4m3(byte bits) {
    int exponent = (bits >> 3) & 15;
    int mantissa = bits & 7;
    if (exponent == 15 && mantissa == 7) {
      return Double.NaN;
    }
    double magnitude = exponent == 0 ? Math.scalb(mantissa, -9) : Math.scalb(8 + mantissa, exponent - 10);
    return bits < 0 ? -magnitude : magnitude;
  }

  private static double unsigned(long bits) {
    return bits >= 0 ? bits : 2.0 * ((bits >>> 1) | (bits & 1));
  }
}
