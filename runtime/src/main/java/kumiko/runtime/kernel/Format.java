package kumiko.runtime.kernel;

import kumiko.runtime.tensor.DType;

/** A stored type of weights that the vector kernels read as it is. */
final class Format {
  private static final Format F32 = new Format(DType.F32, new F32Dots(), WeightRows.F32);
  private static final Format BF16 = new Format(DType.BF16, new Bf16Dots(), WeightRows.BF16);
  private static final Format F16 = new Format(DType.F16, new F16Dots(), WeightRows.F16);

  private final DType type;
  private final WeightDots dots;
  private final WeightRows rows;
  private final PanelPacker packer;

  private Format(DType type, WeightDots dots, WeightRows rows) {
    this.type = type;
    this.dots = dots;
    this.rows = rows;
    this.packer = new PanelPacker(rows);
  }

  /** Null for a type without loops of its own. */
  static Format of(DType type) {
    return switch (type) {
      case F32 -> F32;
      case BF16 -> BF16;
      case F16 -> F16;
      default -> null;
    };
  }

  WeightDots dots() {
    return dots;
  }

  WeightRows rows() {
    return rows;
  }

  PanelPacker packer() {
    return packer;
  }

  /** Bytes of so many elements; whole blocks. */
  long bytes(long elements) {
    return elements / type.blockElements() * type.blockBytes();
  }
}
