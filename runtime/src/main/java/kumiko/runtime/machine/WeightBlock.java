package kumiko.runtime.machine;

import kumiko.runtime.tensor.BlockTile;
import kumiko.runtime.tensor.DType;

/** Stored types that lie in tiles of blocks, see {@link BlockTile}; sixteen rows of a tile are half of it. */
enum WeightBlock {
  Q8_0(DType.Q8_0, 8),
  Q4_0(DType.Q4_0, 4);

  /** Halves of a tile. */
  static final int HALVES = 2;

  private static final int VECTOR_BYTES = 64;

  private final DType type;
  private final int bits;

  WeightBlock(DType type, int bits) {
    this.type = type;
    this.bits = bits;
  }

  DType type() {
    return type;
  }

  /** Of a weight. */
  int bits() {
    return bits;
  }

  int tileBytes() {
    return BlockTile.bytes(type);
  }

  /** How much more than its number a weight is stored. */
  int excess() {
    return BlockTile.excess(type);
  }

  /** Weights in a byte. */
  int parts() {
    return Byte.SIZE / bits;
  }

  /** Vectors of weights in half a tile. */
  int steps() {
    return BlockTile.COLUMNS / Integer.BYTES / parts();
  }

  /** The first of the four columns whose weights are a part of a vector's bytes. */
  int column(int step, int part) {
    return step * Integer.BYTES + part * BlockTile.COLUMNS / parts();
  }

  /** The bytes of a vector. */
  static Address weights(Address tile, int half, int step) {
    return tile.plus(BlockTile.SCALE_BYTES + step * BlockTile.STEP_BYTES + half * VECTOR_BYTES);
  }

  /** The float16 scales of half a tile's rows. */
  static Address scales(Address tile, int half) {
    return tile.plus(half * BlockTile.SCALE_BYTES / HALVES);
  }
}
