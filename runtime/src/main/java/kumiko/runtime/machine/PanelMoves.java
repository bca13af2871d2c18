package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import java.util.function.IntConsumer;

/**
 * Brings rows into panels and results out of tiles; see {@link PanelLayout}. AVX512F and AVX512BW, and for panels of bf16 AVX512_BF16.
 */
public final class PanelMoves {
  private static final int ALL = -1;
  private static final long EVERY_SECOND = 0x5555_5555;
  private static final int HALVES = 0x4e;

  /** {@code target | a | b} of {@code vpternlogd}. */
  private static final int EITHER = 0xfe;

  private final Routine pack;
  private final Routine packFloats;
  private final Routine packParts;

  /** By strips, from 1. */
  private final Routine[] packColumns = new Routine[PanelLayout.STRIPS + 1];

  private final Routine add;

  /** Of all sixteen columns; the other where AVX-512 leaves none of its own to gain by it. */
  private final Routine addAll;

  private final Routine addToEverySecond;
  private final Routine addRows;
  private final Routine addAllRows;

  PanelMoves(CodeInstaller installer) {
    pack = installer.install(code -> packCode(code, true, 2 * PanelLayout.STRIP_BYTES));
    packFloats = installer.install(code -> packCode(code, false, PanelLayout.STRIP_BYTES));
    packParts = installer.install(code -> packCode(code, false, RowParts.PARTS * RowParts.GROUP_BYTES));
    add = installer.install(PanelMoves::addCode);
    addAll = installer.vectors() < Assembler.VECTORS ? installer.install(AddHalvesCode::code) : add;
    addToEverySecond = installer.install(PanelMoves::addToEverySecondCode);
    addRows = installer.install(code -> addRowsCode(code, true));
    addAllRows = installer.install(code -> addRowsCode(code, false));
    for (int strips = 1; strips <= PanelLayout.STRIPS; strips++) {
      int count = strips;
      packColumns[strips] = installer.install(code -> packColumnsCode(code, count));
    }
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

  /** {@link #pack} for a panel of float32. */
  public void packFloats(long rows, long from, int columns, long strip, int strips) {
    int whole = columns / PanelLayout.STRIP;
    int rest = columns % PanelLayout.STRIP;
    long stride = (long) strips * PanelLayout.STRIP_BYTES;
    if (whole > 0) {
      packFloats.call(rows, from, strip, stride, whole, ALL);
    }
    if (rest > 0) {
      long done = (long) whole * PanelLayout.STRIP;
      packFloats.call(rows, from + Float.BYTES * done, strip + done * stride, stride, 1, (1L << rest) - 1);
    }
  }

  /**
   * {@link #pack} of sixteen parts of rows, as {@link RowParts} leaves them.
   *
   * @param rows address of the sixteen addresses of the parts' first groups
   * @param from columns of the rows that are left out, in whole groups as {@code columns} are
   */
  public void packParts(long rows, int from, int columns, long strip, int strips) {
    long offset = (long) from * RowParts.PARTS * Short.BYTES;
    packParts.call(rows, offset, strip, (long) strips * PanelLayout.STRIP_BYTES, columns / RowParts.COLUMNS, ALL);
  }

  /**
   * Columns of bf16 into a whole panel of bf16, as they are: lane i of column k is element i behind {@code columns + k * stride}. Lanes
   * that fill up the last strip become zero.
   *
   * @param columns address of the first column
   * @param stride bytes from one column to the next
   * @param count of columns
   * @param lanes 1 to 16 {@code strips}
   * @param strips of the panel, 1 to {@value PanelLayout#STRIPS}
   */
  public void packColumns(long columns, long stride, int count, int lanes, int strips, long panel) {
    packColumns[strips].call(columns, stride, panel, count / 2, bits(lanes), count % 2);
  }

  /**
   * {@code y[i, lane] += tile[i, lane]}.
   *
   * @param y address of the first row
   * @param stride bytes from one row of y to the next
   * @param rows at least 1
   * @param lanes 1 to {@value PanelLayout#LANES}
   */
  public void addRows(long tile, long y, long stride, int rows, int lanes) {
    Routine routine = lanes == PanelLayout.LANES ? addAllRows : addRows;
    routine.call(tile, y, stride, rows, bits(lanes), 0);
  }

  private static long bits(int lanes) {
    return lanes == PanelLayout.LANES ? ALL : (1L << lanes) - 1;
  }

  /**
   * {@code y[lane, i] += tile[i, lane]} for one strip of lanes and sixteen rows of results.
   *
   * @param tile address of the strip in the first of the sixteen rows
   * @param rowBytes from one row of results to the next
   * @param y address of the first lane's first result
   * @param stride bytes from one lane's results to the next's
   * @param lanes 1 to 16
   * @param count 1 to 16: columns of y that are written
   */
  public void add(long tile, int rowBytes, long y, long stride, int lanes, int count) {
    Routine routine = count == PanelLayout.STRIP ? addAll : add;
    routine.call(tile, y, stride, lanes, (1L << count) - 1, rowBytes);
  }

  /** {@link #add} where {@code y[lane, 2 i]} takes result i, and what lies between stays as it is. */
  public void addToEverySecond(long tile, int rowBytes, long y, long stride, int lanes, int count) {
    addToEverySecond.call(tile, y, stride, lanes, EVERY_SECOND & ((1L << (2 * count)) - 1), rowBytes);
  }

  /**
   * RDI rows, RSI from, RDX strip, RCX stride, R8 blocks, R9 the columns of each block that there are, as bits.
   *
   * @param pairs whether to round to bf16, in blocks of 32 columns; otherwise blocks have 16
   * @param step bytes from one block of a row to the next
   */
  static void packCode(Assembler code, boolean pairs, int step) {
    code.kmovw(1, R9);
    code.shr(R9, 16);
    code.kmovw(2, R9);
    int top = code.here();
    for (int i = 0; i < PanelLayout.STRIP; i++) {
      code.mov(RAX, Address.at(RDI, 8 * i));
      if (pairs) {
        code.vmovups(16, 1, Address.at(RAX, RSI, 1));
        code.vmovups(17, 2, Address.at(RAX, RSI, 1).plus(64));
        code.vcvtne2ps2bf16(i, 17, 16);
      } else {
        code.vmovups(i, 1, Address.at(RAX, RSI, 1));
      }
    }
    SquareTurn.emit(code);
    for (int i = 0; i < PanelLayout.STRIP; i++) {
      code.vmovups(Address.at(RDX, 0), i);
      code.add(RDX, RCX);
    }
    code.add(RSI, step);
    code.dec(R8);
    code.jnz(top);
    code.vzeroupper();
    code.ret();
  }

  /** RDI columns, RSI stride, RDX panel, RCX pairs, R8 the lanes that there are, as bits, R9 whether a single column follows. */
  static void packColumnsCode(Assembler code, int strips) {
    laneMasks(code, strips);
    code.test(RCX, RCX);
    int none = code.jz();
    int top = code.here();
    for (int s = 0; s < strips; s++) {
      code.vpmovzxwd(s, 1 + s, Address.at(RDI, s * PanelLayout.STRIP_BYTES / 2));
      code.vpmovzxwd(4 + s, 1 + s, Address.at(RDI, RSI, 1).plus(s * PanelLayout.STRIP_BYTES / 2));
      code.vpslld(4 + s, 4 + s, Short.SIZE);
      code.vpternlogd(s, 4 + s, 4 + s, EITHER);
      code.vmovups(Address.at(RDX, s * PanelLayout.STRIP_BYTES), s);
    }
    code.lea(RDI, Address.at(RDI, RSI, 2));
    code.add(RDX, strips * PanelLayout.STRIP_BYTES);
    code.dec(RCX);
    code.jnz(top);
    code.land(none);
    code.test(R9, R9);
    int even = code.jz();
    for (int s = 0; s < strips; s++) {
      code.vpmovzxwd(s, 1 + s, Address.at(RDI, s * PanelLayout.STRIP_BYTES / 2));
      code.vmovups(Address.at(RDX, s * PanelLayout.STRIP_BYTES), s);
    }
    code.land(even);
    code.vzeroupper();
    code.ret();
  }

  /** R8 into masks from 1 on. */
  private static void laneMasks(Assembler code, int strips) {
    for (int s = 0; s < strips; s++) {
      code.kmovw(1 + s, R8);
      code.shr(R8, PanelLayout.STRIP);
    }
  }

  /** RDI tile, RSI y, RDX stride, RCX rows, R8 the lanes that there are, as bits, if some are missing. */
  private static void addRowsCode(Assembler code, boolean masked) {
    if (masked) {
      laneMasks(code, PanelLayout.STRIPS);
    }
    int top = code.here();
    for (int s = 0; s < PanelLayout.STRIPS; s++) {
      int mask = masked ? 1 + s : 0;
      Address y = Address.at(RSI, s * PanelLayout.STRIP_BYTES);
      code.vmovups(s, Address.at(RDI, s * PanelLayout.STRIP_BYTES));
      code.vmovups(4, mask, y);
      code.vaddps(s, s, 4);
      code.vmovups(y, mask, s);
    }
    code.add(RDI, PanelLayout.TILE_BYTES);
    code.add(RSI, RDX);
    code.dec(RCX);
    code.jnz(top);
    code.vzeroupper();
    code.ret();
  }

  /** RDI tile, RSI y, RDX stride, RCX lanes, R8 the columns that are written, as bits, R9 bytes from one row of the tile to the next. */
  static void addCode(Assembler code) {
    code.kmovw(1, R8);
    eachLaneTurned(code, lane -> {
      code.vmovups(16, 1, Address.at(RSI, 0));
      code.vaddps(lane, lane, 16);
      code.vmovups(Address.at(RSI, 0), 1, lane);
    });
  }

  /** The same, with R8 as bits of twice as many. */
  static void addToEverySecondCode(Assembler code) {
    code.kmovw(1, R8);
    code.shr(R8, PanelLayout.STRIP);
    code.kmovw(2, R8);
    eachLaneTurned(code, lane -> {
      code.vshufi32x4(17, lane, lane, HALVES);
      code.vpmovzxdq(16, lane);
      code.vpmovzxdq(17, 17);
      for (int half = 0; half < 2; half++) {
        Address y = Address.at(RSI, half * PanelLayout.STRIP_BYTES);
        code.vmovups(18, 1 + half, y);
        code.vaddps(16 + half, 16 + half, 18);
        code.vmovups(y, 1 + half, 16 + half);
      }
    });
  }

  /** The sixteen rows at RDI, R9 apart, turned, then {@code add} with RSI at each of RCX lanes, RDX apart. */
  private static void eachLaneTurned(Assembler code, IntConsumer add) {
    for (int i = 0; i < PanelLayout.STRIP; i++) {
      code.vmovups(i, Address.at(RDI, 0));
      code.add(RDI, R9);
    }
    SquareTurn.emit(code);
    int[] ends = new int[PanelLayout.STRIP];
    for (int lane = 0; lane < PanelLayout.STRIP; lane++) {
      add.accept(lane);
      code.add(RSI, RDX);
      code.dec(RCX);
      ends[lane] = code.jz();
    }
    for (int end : ends) {
      code.land(end);
    }
    code.vzeroupper();
    code.ret();
  }
}
