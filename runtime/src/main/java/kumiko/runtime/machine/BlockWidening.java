package kumiko.runtime.machine;

import java.util.EnumMap;
import java.util.Map;
import kumiko.runtime.tensor.BlockTile;
import kumiko.runtime.tensor.DType;

/** Brings weights in {@link BlockTile tiles of blocks} into panels, see {@link PanelLayout}. AVX512F, AVX512BW, and for bf16 AVX512_BF16. */
public final class BlockWidening {
  private final Map<DType, Routine> routines = new EnumMap<>(DType.class);

  BlockWidening(PanelElement to, CodeInstaller installer) {
    for (WeightBlock type : WeightBlock.values()) {
      routines.put(type.type(), installer.install(code -> BlockWidenCode.code(code, type, to)));
    }
  }

  /**
   * The 32 rows of neighbouring tiles into two strips of a panel, for bf16 rounded to nearest even, subnormal numbers to zero.
   *
   * @param tiles address of the first tile
   * @param columns whole blocks
   * @param strip address of the first strip in the panel
   * @param strips of the panel
   */
  public void widen(DType type, long tiles, int columns, long strip, int strips) {
    routines.get(type).call(tiles, columns / BlockTile.COLUMNS, strip, (long) strips * PanelLayout.STRIP_BYTES, 0, 0);
  }
}
