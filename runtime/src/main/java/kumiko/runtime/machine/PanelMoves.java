package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import java.util.List;

/** Brings activations into a panel and results out of a tile; see {@link PanelLayout}. AVX512F, AVX512BW and AVX512_BF16. */
public final class PanelMoves {
  private static final int ALL = -1;

  private final Routine pack;
  private final Routine add;

  PanelMoves(CodeInstaller installer) throws SystemCalls.Refused {
    List<? extends Routine> routines = installer.install(List.of(packCode(), addCode()));
    pack = routines.get(0);
    add = routines.get(1);
  }

  /**
   * Sixteen rows of float32, rounded to bf16 (to nearest even, subnormal numbers to zero), into one strip of a panel.
   *
   * @param rows address of sixteen addresses of rows
   * @param from bytes from the beginning of each row to its first column
   * @param strip address of the strip in the panel
   * @param strips strips of the panel
   */
  public void pack(long rows, long from, int columns, long strip, int strips) {
    int whole = columns / PanelLayout.BLOCK;
    int rest = columns % PanelLayout.BLOCK;
    long stride = (long) strips * PanelLayout.STRIP_BYTES;
    if (whole > 0) {
      pack.call(rows, from, strip, stride, whole, ALL);
    }
    if (rest > 0) {
      long done = (long) whole * PanelLayout.BLOCK;
      pack.call(rows, from + Float.BYTES * done, strip + done / 2 * stride, stride, 1, (1L << rest) - 1);
    }
  }

  /**
   * {@code y[lane, i] += tile[i, lane]} for one strip of lanes and sixteen rows of results.
   *
   * @param tile address of the strip in the first of the sixteen rows
   * @param y address of the first lane's first result
   * @param stride bytes from one lane's results to the next's
   * @param lanes 1 to 16
   * @param count 1 to 16: columns of y that are written
   */
  public void add(long tile, long y, long stride, int lanes, int count) {
    add.call(tile, y, stride, lanes, (1L << count) - 1, 0);
  }

  /** RDI rows, RSI from, RDX strip, RCX stride, R8 blocks, R9 the columns of each block that there are, as bits. */
  static byte[] packCode() {
    Assembler code = new Assembler();
    code.kmovw(1, R9);
    code.shr(R9, 16);
    code.kmovw(2, R9);
    int top = code.here();
    for (int i = 0; i < PanelLayout.STRIP; i++) {
      code.mov(RAX, Address.at(RDI, 8 * i));
      code.vmovups(16, 1, Address.at(RAX, RSI, 1));
      code.vmovups(17, 2, Address.at(RAX, RSI, 1).plus(64));
      code.vcvtne2ps2bf16(i, 17, 16);
    }
    SquareTurn.emit(code);
    for (int i = 0; i < PanelLayout.STRIP; i++) {
      code.vmovups(Address.at(RDX, 0), i);
      code.add(RDX, RCX);
    }
    code.add(RSI, Float.BYTES * PanelLayout.BLOCK);
    code.dec(R8);
    code.jnz(top);
    code.vzeroupper();
    code.ret();
    return code.toBytes();
  }

  /** RDI tile, RSI y, RDX stride, RCX lanes, R8 the columns that are written, as bits. */
  static byte[] addCode() {
    Assembler code = new Assembler();
    code.kmovw(1, R8);
    for (int i = 0; i < PanelLayout.STRIP; i++) {
      code.vmovups(i, Address.at(RDI, i * PanelLayout.TILE_BYTES));
    }
    SquareTurn.emit(code);
    int[] ends = new int[PanelLayout.STRIP];
    for (int lane = 0; lane < PanelLayout.STRIP; lane++) {
      code.vmovups(16, 1, Address.at(RSI, 0));
      code.vaddps(lane, lane, 16);
      code.vmovups(Address.at(RSI, 0), 1, lane);
      code.add(RSI, RDX);
      code.dec(RCX);
      ends[lane] = code.jz();
    }
    for (int end : ends) {
      code.land(end);
    }
    code.vzeroupper();
    code.ret();
    return code.toBytes();
  }
}
