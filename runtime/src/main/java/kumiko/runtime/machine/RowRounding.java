package kumiko.runtime.machine;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.tensor.DType;

/**
 * Rows of numbers rounded to bf16, to nearest even, subnormal numbers to zero (AVX512BW, AVX512_BF16, BMI2): activations in float32, and
 * weights in blocks.
 */
public final class RowRounding {
  /** What may be written behind the last column of a row is this less one column at most. */
  public static final int COLUMNS = 2 * WeightVector.LANES;

  private final Map<DType, Routine> routines = new EnumMap<>(DType.class);

  RowRounding(CodeInstaller installer) throws SystemCalls.Refused {
    List<DType> types = new ArrayList<>(List.of(DType.F32));
    List<byte[]> codes = new ArrayList<>(List.of(WidenCode.code(WeightVector.F32, PanelElement.PAIR)));
    for (WeightBlock type : WeightBlock.values()) {
      types.add(type.type());
      codes.add(WidenCode.code(type, PanelElement.PAIR));
    }
    List<? extends Routine> installed = installer.install(codes);
    for (int i = 0; i < codes.size(); i++) {
      routines.put(types.get(i), installed.get(i));
    }
  }

  /**
   * {@link StoredProduct#widen} to bf16. Zeros fill up each row to whole {@link #COLUMNS}.
   *
   * @param type F32 or one of blocks
   */
  public void round(DType type, long rows, long stride, int count, int from, int columns, long to, int toStride) {
    routines.get(type).call(rows, stride, count, to, columns, type.bytes(from) << Integer.SIZE | toStride);
  }
}
