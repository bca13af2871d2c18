package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R12;
import static kumiko.runtime.machine.Register.R13;
import static kumiko.runtime.machine.Register.R14;
import static kumiko.runtime.machine.Register.R15;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBP;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import java.util.EnumMap;
import java.util.Map;

/**
 * Many rows of bf16 by a panel of others, by {@code tdpbf16ps} (AMX_TILE, AMX_BF16): {@value #GROUP} rows by two strips of the panel at a
 * time, in four tiles of sums. What will be needed next it asks memory for meanwhile. Sums are those of {@link TileProduct}.
 *
 * <p>They lie without gaps, so that those of a few hundred rows stay in the second-level cache until they are complete. Results lie where a
 * model wants them, mostly a power of two apart, and such rows share few lines of a cache: on Granite Rapids a C program that adds to
 * them there for every 512 columns comes to 1,500 GFLOP/s, without gaps to 3,900.
 */
public final class TileRows {
  /** Rows that are multiplied together. */
  public static final int GROUP = 2 * TileProduct.TILE_ROWS;

  /** Strips of a panel. */
  public static final int STRIPS = 2;

  /** Columns are multiplied in whole steps of so many. */
  public static final int STEP = PanelLayout.BLOCK;

  /** Bytes of a row of sums. */
  public static final int SUM_BYTES = STRIPS * PanelLayout.STRIP_BYTES;

  private static final Register[] KEPT = {RBX, RBP, R12, R13, R14, R15};
  private static final int STEP_BYTES = 2 * STEP;
  private static final int LINE = 64;

  /** Tiles 0 to 3 are sums, 4 and 5 rows, 6 and 7 lanes. */
  private static final int ROWS = 4;

  private static final int LANES = 6;

  private final Map<TileParts, Routine> adding = new EnumMap<>(TileParts.class);
  private final Map<TileParts, Routine> writing = new EnumMap<>(TileParts.class);
  private final SumDelivery delivery;
  private final long configuration;

  TileRows(CodeInstaller installer, long configuration) {
    for (TileParts parts : TileParts.values()) {
      adding.put(parts, installer.install(code -> code(code, parts, true)));
      writing.put(parts, installer.install(code -> code(code, parts, false)));
    }
    delivery = new SumDelivery(installer);
    this.configuration = configuration;
  }

  /** What brings sums to where they belong. */
  public SumDelivery delivery() {
    return delivery;
  }

  /**
   * {@code sums[r, lane] += sum over k of rows[r, k] * panel[k, lane]} for whole groups of rows, steps of columns and all lanes of a panel
   * of {@value #STRIPS} strips, all of which {@link TileWork} says.
   *
   * @param parts how many numbers of bf16 each element of rows and panel is the sum of: those of a step of columns lie side by side, in
   *     the panel those of all lanes and columns of a step
   * @param add false to put the sums in the place of what they were
   * @param work address of {@link TileWork#BYTES} bytes that belong to this thread
   */
  public void multiply(TileParts parts, boolean add, long work) {
    (add ? adding : writing).get(parts).call(work, configuration, 0, 0, 0, 0);
  }

  /**
   * RDI work, RSI configuration, then rows, RDX their stride, R14 sums, R15 groups left, R10 bytes of a row of sums or of the panel, RBP
   * stride of results, R12 weights that will be needed, R13 their stride; in the loop RAX, R9 rows, R11 what comes up, RBX panel, R8 results.
   */
  static void code(Assembler code, TileParts parts, boolean add) {
    code.push(KEPT);
    code.ldtilecfg(Address.at(RSI, 0));
    code.mov(RSI, TileWork.ROWS.in(RDI));
    code.mov(RDX, TileWork.ROW_STRIDE.in(RDI));
    code.mov(R14, TileWork.SUMS.in(RDI));
    code.mov(RBP, TileWork.RESULT_STRIDE.in(RDI));
    code.mov(R15, TileWork.GROUPS.in(RDI));
    code.mov(R13, TileWork.AHEAD_STRIDE.in(RDI));
    code.mov(R10, SUM_BYTES);
    int nextGroup = code.here();
    group(code, parts, add);
    advance(code, RSI, RDX);
    code.add(R14, GROUP * SUM_BYTES);
    code.dec(R15);
    code.jnz(nextGroup);
    code.tilerelease();
    code.pop(KEPT);
    code.ret();
  }

  private static void advance(Assembler code, Register place, Register stride) {
    code.mov(RAX, stride);
    code.shl(RAX, Integer.numberOfTrailingZeros(GROUP));
    code.add(place, RAX);
  }

  /** {@code target = place + 16 stride}. */
  private static void secondTile(Assembler code, Register target, Register place, Register stride) {
    code.mov(target, stride);
    code.shl(target, Integer.numberOfTrailingZeros(TileProduct.TILE_ROWS));
    code.add(target, place);
  }

  private static void group(Assembler code, TileParts parts, boolean add) {
    code.mov(RBX, TileWork.PANEL.in(RDI));
    code.mov(RCX, TileWork.STEPS.in(RDI));
    code.mov(R12, TileWork.AHEAD.in(RDI));
    code.mov(R8, TileWork.RESULTS.in(RDI));
    secondSums(code);
    secondTile(code, R9, RSI, RDX);
    code.mov(RAX, RSI);
    for (int i = 0; i < ROWS; i++) {
      if (add) {
        code.tileloadd(i, sum(i));
      } else {
        code.tilezero(i);
      }
    }
    int top = code.here();
    step(code, parts);
    code.add(RAX, parts.ofRow() * STEP_BYTES);
    code.add(R9, parts.ofRow() * STEP_BYTES);
    code.add(RBX, parts.ofWeight() * PartCode.APART);
    code.dec(RCX);
    code.jnz(top);
    secondSums(code);
    for (int i = 0; i < ROWS; i++) {
      code.tilestored(sum(i), i);
    }
    code.mov(RAX, TileWork.AHEAD.in(RDI));
    code.lea(RAX, Address.at(RAX, R13, rowsAhead(parts)));
    code.mov(TileWork.AHEAD.in(RDI), RAX);
    code.mov(R8, TileWork.RESULTS.in(RDI));
    advance(code, R8, RBP);
    code.mov(TileWork.RESULTS.in(RDI), R8);
  }

  private static void secondSums(Assembler code) {
    code.lea(R11, Address.at(R14, TileProduct.TILE_ROWS * SUM_BYTES));
  }

  private static Address sum(int i) {
    return Address.at(i < 2 ? R14 : R11, R10, 1).plus(i % 2 * PanelLayout.STRIP_BYTES);
  }

  private static void step(Assembler code, TileParts parts) {
    TileParts.Pair loaded = null;
    for (TileParts.Pair pair : parts.pairs()) {
      boolean newRows = loaded == null || loaded.row() != pair.row();
      boolean newLanes = loaded == null || loaded.weight() != pair.weight();
      multiply(code, pair, newRows, newLanes, parts.ofWeight() > 1);
      loaded = pair;
    }
    if (parts.ofWeight() > 1) {
      nextRows(code, parts);
    }
    weightsAhead(code, parts);
    resultsAhead(code, parts);
  }

  /**
   * Brings the rows of the next step nearer. Where weights have parts there is time for that; otherwise the second-level cache, which both
   * need, has none to spare: then rows are loaded past the nearest cache.
   */
  private static void nextRows(Assembler code, TileParts parts) {
    for (Register tile : new Register[]{RAX, R9}) {
      code.lea(R11, Address.at(tile, parts.ofRow() * STEP_BYTES));
      for (int row = 0; row < TileProduct.TILE_ROWS; row++) {
        for (int part = 0; part < parts.ofRow(); part++) {
          code.prefetcht0(Address.at(R11, part * STEP_BYTES));
        }
        code.add(R11, RDX);
      }
    }
  }

  /** A part of 32 rows with one of 32 lanes, of which what is new is loaded as late as can be. */
  private static void multiply(Assembler code, TileParts.Pair pair, boolean newRows, boolean newLanes, boolean areNear) {
    for (int i = 0; i < 2; i++) {
      if (newRows) {
        Address rows = Address.at(i == 0 ? RAX : R9, RDX, 1).plus(pair.row() * STEP_BYTES);
        if (areNear) {
          code.tileloadd(ROWS + i, rows);
        } else {
          code.tileloaddt1(ROWS + i, rows);
        }
      }
      for (int j = 0; j < 2; j++) {
        if (newLanes && i == 0) {
          code.tileloadd(LANES + j, Address.at(RBX, R10, 1).plus(pair.weight() * PartCode.APART + j * PanelLayout.STRIP_BYTES));
        }
        code.tdpbf16ps(2 * i + j, ROWS + i, LANES + j);
      }
    }
  }

  private static void weightsAhead(Assembler code, TileParts parts) {
    int lines = linesAhead(parts);
    for (int row = 0; row < rowsAhead(parts); row += 2) {
      if (row > 0) {
        code.lea(R11, Address.at(R12, R13, row));
      }
      Register at = row == 0 ? R12 : R11;
      for (int line = 0; line < lines; line++) {
        code.prefetcht1(Address.at(at, line * LINE));
        code.prefetcht1(Address.at(at, R13, 1).plus(line * LINE));
      }
    }
    code.mov(R11, TileWork.AHEAD_STEP.in(RDI));
    code.add(R12, R11);
  }

  private static void resultsAhead(Assembler code, TileParts parts) {
    for (int row = 0; row < resultsAhead(parts); row++) {
      code.prefetcht1(Address.at(R8, 0));
      code.prefetcht1(Address.at(R8, PanelLayout.STRIP_BYTES));
      code.add(R8, RBP);
    }
  }

  /** Rows of weights for which a step asks memory. */
  public static int rowsAhead(TileParts parts) {
    return parts.ofWeight() == 1 ? 2 : 4;
  }

  /** Lines of each. */
  private static int linesAhead(TileParts parts) {
    return parts.ofWeight() == 3 ? 2 : 1;
  }

  /** Rows of results for which a step asks memory. */
  public static int resultsAhead(TileParts parts) {
    return parts.ofWeight() == 1 ? 1 : 2;
  }
}
