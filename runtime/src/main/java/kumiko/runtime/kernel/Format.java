package kumiko.runtime.kernel;

import kumiko.runtime.tensor.BlockTile;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Slab;

/** A stored type of weights that the vector kernels read as it is. */
final class Format {
  private static final Format F32 = new Format(DType.F32, VectorApi.IS_THERE ? new F32Dots() : null, WeightRows.F32);
  private static final Format BF16 = new Format(DType.BF16, VectorApi.IS_THERE ? new Bf16Dots() : null, WeightRows.BF16);
  private static final Format F16 = new Format(DType.F16, VectorApi.IS_THERE ? new F16Dots() : null, WeightRows.F16);
  private static final Format Q8_0 = new Format(DType.Q8_0);
  private static final Format Q4_0 = new Format(DType.Q4_0);
  private static final Format I8_ROWS = new Format(DType.I8_ROWS, VectorApi.IS_THERE ? new I8Dots() : null, WeightRows.I8_ROWS);

  private final DType type;
  private final WeightDots dots;
  private final WeightRows rows;
  private final WeightPacker packer;
  private final WeightPacker roundingPacker;

  private Format(DType type, WeightDots dots, WeightRows rows) {
    this.type = type;
    this.dots = dots;
    this.rows = rows;
    packer = new WeightPacker.OfRows(type, rows);
    roundingPacker = packer.rounded();
  }

  /** Of weights in blocks. */
  private Format(DType type) {
    this.type = type;
    dots = null;
    rows = null;
    packer = new WeightPacker.OfBlocks(type);
    roundingPacker = packer.rounded();
  }

  /** Null for a type without loops of its own. */
  static Format of(DType type) {
    return switch (type) {
      case F32 -> F32;
      case BF16 -> BF16;
      case F16 -> F16;
      case Q8_0 -> VectorApi.LANES > BlockTile.ROWS ? null : Q8_0;
      case Q4_0 -> VectorApi.LANES > BlockTile.ROWS ? null : Q4_0;
      case I8_ROWS -> VectorApi.IS_THERE && Lanes.I8 == null ? null : I8_ROWS;
      default -> null;
    };
  }

  /** Null for weights in blocks, as {@link #rows} are, and without the Vector API. */
  WeightDots dots() {
    return dots;
  }

  WeightRows rows() {
    return rows;
  }

  WeightPacker packer() {
    return packer;
  }

  /** {@link #packer} of weights rounded to bf16. */
  WeightPacker roundingPacker() {
    return roundingPacker;
  }

  /** Whether weights lie in {@link BlockTile tiles}. */
  boolean isInBlocks() {
    return BlockTile.holds(type);
  }

  /** Bytes of so many elements. */
  long bytes(long elements) {
    return elements * type.blockBytes();
  }

  /** Whether the vector loops can read the slab: one of its strides is 1; tiles of blocks have no strides, but rows in order. */
  boolean reads(Slab slab) {
    return isInBlocks() ? slab.rowStep() == 1 : slab.columnStride() == 1 || slab.rowStride() == 1;
  }
}
