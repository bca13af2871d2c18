package kumiko.runtime.machine;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.tensor.DType;

/**
 * Products of one row of float32 with weights in blocks, in whole numbers, by AVX512_VNNI and AVX512_VBMI.
 *
 * <p>The float32 of a block become whole numbers of two or three digits of 8 bits, with a power of two as their common unit: each is
 * rounded by at most 2^-14 or 2^-22 of the block's largest. Their products with the weights of the block are summed exactly, and the sums
 * of all blocks in float32. Where a block has no number larger than 2^-100 its unit is that of 2^-100; where it has one that is not
 * finite, the results are no numbers.
 */
public final class BlockProduct implements PackedProduct {
  private final int digits;
  private final Map<DType, WeightBlock> types = new EnumMap<>(DType.class);
  private final Map<DType, Routine> packs = new EnumMap<>(DType.class);
  private final Map<DType, Routine> dots = new EnumMap<>(DType.class);

  /** @param digits 2 or 3 */
  BlockProduct(int digits, CodeInstaller installer) throws SystemCalls.Refused {
    this.digits = digits;
    for (WeightBlock type : WeightBlock.values()) {
      List<? extends Routine> routines = installer.install(List.of(BlockPackCode.code(type, digits), BlockDotCode.code(type, digits)));
      types.put(type.type(), type);
      packs.put(type.type(), routines.getFirst());
      dots.put(type.type(), routines.getLast());
    }
  }

  @Override
  public long packedBytes(DType type, int columns) {
    WeightBlock block = types.get(type);
    return (long) Math.ceilDiv(columns, block.groupColumns()) * block.packedBytes(digits);
  }

  @Override
  public void pack(DType type, long x, int columns, long to) {
    int group = types.get(type).groupColumns();
    packs.get(type).call(x, columns / group, columns % group, to, 0, 0);
  }

  @Override
  public void dots(DType type, long weights, long stride, int rows, long packed, int columns, long y) {
    dots.get(type).call(weights, stride, rows, packed, DotCode.columns(type, columns, stride), y);
  }
}
