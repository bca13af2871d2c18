package kumiko.runtime.machine;

import java.util.List;
import kumiko.runtime.tensor.DType;

/** {@link Eights} of bf16 weights with activations rounded to bf16, by {@code vdpbf16ps} (AVX512BW, AVX512_BF16). */
final class PairEights implements Eights {
  private static final int STRIDE = new EightCode.Pairs().stride();

  private final RowRounding rounding;
  private final Routine groups;
  private final Routine last;

  PairEights(RowRounding rounding, CodeInstaller installer) throws SystemCalls.Refused {
    EightCode.Meeting pairs = new EightCode.Pairs();
    List<? extends Routine> routines = installer
        .install(List.of(EightCode.code(pairs, EightCode.ROWS), EightCode.code(pairs, 1)));
    this.rounding = rounding;
    groups = routines.get(0);
    last = routines.get(1);
  }

  @Override
  public int stride() {
    return STRIDE;
  }

  @Override
  public boolean reads(DType type) {
    return type == DType.BF16;
  }

  @Override
  public void pack(long x, long from, int rows, int columns, long to) {
    rounding.round(x, from, rows, columns, to, STRIDE);
  }

  @Override
  public void add(DType type, long weights, long from, int rows, long x, int columns, long tile) {
    int whole = rows / EightCode.ROWS;
    int done = whole * EightCode.ROWS;
    if (whole > 0) {
      groups.call(weights, from, whole, x, columns, tile);
    }
    if (done < rows) {
      last.call(weights + done * from, from, rows - done, x, columns, tile + (long) done * PanelLayout.TILE_BYTES);
    }
  }
}
