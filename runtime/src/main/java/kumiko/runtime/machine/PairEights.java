package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import java.util.List;
import kumiko.runtime.tensor.DType;

/** {@link Eights} of bf16 weights with activations rounded to bf16, by {@code vdpbf16ps} (AVX512BW, AVX512_BF16). */
final class PairEights implements Eights {
  private static final int STRIDE = new EightCode.Pairs().stride();

  /** Columns that are rounded together. */
  private static final int TOGETHER = 2 * WeightVector.LANES;

  private final Routine pack;
  private final Routine groups;
  private final Routine last;

  PairEights(CodeInstaller installer) throws SystemCalls.Refused {
    EightCode.Meeting pairs = new EightCode.Pairs();
    List<? extends Routine> routines = installer
        .install(List.of(packCode(), EightCode.code(pairs, EightCode.ROWS), EightCode.code(pairs, 1)));
    pack = routines.get(0);
    groups = routines.get(1);
    last = routines.get(2);
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
    pack.call(x, from, rows, to, columns, STRIDE);
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

  /** RDI float32, RSI bytes from one row to the next, RDX rows, RCX where they go, R8 columns, R9 bytes from one row there to the next. */
  static byte[] packCode() {
    Assembler code = new Assembler();
    code.mov(RAX, R8);
    code.and(RAX, TOGETHER - 1);
    code.mov(R10, -1L);
    code.bzhi(R10, R10, RAX);
    code.kmovw(1, R10);
    code.shr(R10, WeightVector.LANES);
    code.kmovw(2, R10);
    int nextRow = code.here();
    code.mov(R10, RDI);
    code.mov(R11, RCX);
    code.mov(RAX, R8);
    code.shr(RAX, Integer.numberOfTrailingZeros(TOGETHER));
    int few = code.jz();
    int next = code.here();
    round(code, 0, 0);
    code.add(R10, TOGETHER * Float.BYTES);
    code.add(R11, TOGETHER * Short.BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, TOGETHER - 1);
    int whole = code.jz();
    round(code, 1, 2);
    code.land(whole);
    code.add(RDI, RSI);
    code.add(RCX, R9);
    code.dec(RDX);
    code.jnz(nextRow);
    code.vzeroupper();
    code.ret();
    return code.toBytes();
  }

  private static void round(Assembler code, int lowerMask, int upperMask) {
    code.vmovups(0, lowerMask, Address.at(R10, 0));
    code.vmovups(1, upperMask, Address.at(R10, WeightVector.LANES * Float.BYTES));
    code.vcvtne2ps2bf16(2, 1, 0);
    code.vmovups(Address.at(R11, 0), 2);
  }
}
