package kumiko.runtime.tensor;

/**
 * How the elements of a tensor are stored. A plain type stores one element in {@link #blockBytes()} bytes; a block type stores {@link
 * #blockElements()} neighbouring elements of a row together.
 */
public enum DType {
  F64(1, 8),
  F32(1, 4),
  F16(1, 2),
  BF16(1, 2),
  F8_E4M3(1, 1),
  F8_E5M2(1, 1),
  I64(1, 8),
  I32(1, 4),
  I16(1, 2),
  I8(1, 1),
  U64(1, 8),
  U32(1, 4),
  U16(1, 2),
  U8(1, 1),
  BOOL(1, 1),
  /**
   * 32 signed bytes with one f16 scale: the numbers of GGUF's type of that name. Memory of this process only, where they lie as {@link
   * BlockTile} says.
   */
  Q8_0(32, 34),
  /** 32 numbers from -8 to 7 with one f16 scale; the rest as of {@link #Q8_0}. */
  Q4_0(32, 18),
  /**
   * Signed bytes, each row a multiple of a unit of its own, a float32 in the four bytes before the row's first element. The weights of
   * vector-wise quantisation; memory of this process only, no file holds it.
   */
  I8_ROWS(1, 1);

  private final int blockElements;
  private final int blockBytes;

  DType(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  public int blockElements() {
    return blockElements;
  }

  public int blockBytes() {
    return blockBytes;
  }

  /** Bytes of {@code elements} elements; a block type counts whole blocks only. */
  public long bytes(long elements) {
    return Math.multiplyExact(elements / blockElements, (long) blockBytes);
  }

  /** Whether the elements are numbers with a fraction, which weights must be. */
  public boolean isFloating() {
    return switch (this) {
      case F64, F32, F16, BF16, F8_E4M3, F8_E5M2, Q8_0, Q4_0, I8_ROWS -> true;
      case I64, I32, I16, I8, U64, U32, U16, U8, BOOL -> false;
    };
  }

  /** Whether elements are multiples of units that are stored beside them; no published layout of checkpoints holds such tensors. */
  public boolean isQuantised() {
    return switch (this) {
      case Q8_0, Q4_0, I8_ROWS -> true;
      case F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U64, U32, U16, U8, BOOL -> false;
    };
  }
}
