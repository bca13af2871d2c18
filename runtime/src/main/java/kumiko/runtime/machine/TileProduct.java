package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R12;
import static kumiko.runtime.machine.Register.R13;
import static kumiko.runtime.machine.Register.R14;
import static kumiko.runtime.machine.Register.R15;
import static kumiko.runtime.machine.Register.RBP;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * {@link PanelProduct} by {@code tdpbf16ps} (AMX_TILE, AMX_BF16): 32 rows of weights, read as they are stored, by two strips of lanes
 * in four tiles of sums. Columns past the last whole block of 32 are left to {@link BroadcastProduct}, which all processors with tiles can
 * run.
 *
 * <p>Within a block of 32 columns the products of even and of odd columns are summed apart, from zero, each with one rounding, then added
 * to one another and to the result (Intel's manual, TDPBF16PS).
 */
final class TileProduct implements PanelProduct {
  static final int TILE_ROWS = 16;
  private static final int CONFIGURATION_BYTES = 64;

  /** Of weights that meet one tile of lanes. */
  private static final int STEP_BYTES = 2 * PanelLayout.BLOCK;

  /** Tiles 0 to 3 are sums, 4 and 5 weights, 6 and 7 lanes. */
  private static final int WEIGHTS = 4;

  private static final int LANES = 6;

  private static final Register[] KEPT = {RBX, RBP, R12, R13, R14, R15};

  /** Bits of the steps that ask for weights of the next group. */
  private static final int LAST_BITS = 4;

  /** Of lanes that weights meet in less time than memory takes to give them. */
  private static final int FEW_STRIPS = 2;

  /** Of one instruction: a product and a sum for each of 16 x 16 results and 32 columns. */
  private static final int FLOPS = 2 * TILE_ROWS * PanelLayout.STRIP * PanelLayout.BLOCK;

  private final PanelProduct rest;
  private final Ahead ahead;

  /** By tiles of weights, tiles of lanes and strips of the panel, all from 1. */
  private final Routine[][][] routines = new Routine[3][3][PanelLayout.STRIPS + 1];

  private final Routine registers;
  private final TileRows manyRows;

  /** By rows of weights in a tile. */
  private final MemorySegment configurations;

  TileProduct(PanelProduct rest, Ahead ahead, CodeInstaller installer, Arena arena) {
    this.rest = rest;
    this.ahead = ahead;
    for (int i = 0; i < 4 * PanelLayout.STRIPS; i++) {
      int weights = 1 + i % 2;
      int lanes = 1 + i / 2 % 2;
      int strips = 1 + i / 4;
      routines[weights][lanes][strips] = installer.install(code -> code(code, weights, lanes, strips, ahead));
    }
    registers = installer.install(TileProduct::registerCode);
    configurations = arena.allocate((TILE_ROWS + 1L) * CONFIGURATION_BYTES, CONFIGURATION_BYTES);
    for (int rows = 1; rows <= TILE_ROWS; rows++) {
      configure(configurations.asSlice((long) rows * CONFIGURATION_BYTES, CONFIGURATION_BYTES), rows);
    }
    manyRows = new TileRows(installer, configurations.address() + (long) TILE_ROWS * CONFIGURATION_BYTES);
  }

  /** Palette 1; bytes a row of each tile from byte 16, rows from byte 48. */
  static void configure(MemorySegment configuration, int rows) {
    configuration.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
    for (int tile = 0; tile < 8; tile++) {
      configuration.set(ValueLayout.JAVA_SHORT_UNALIGNED, 16 + 2 * tile, (short) PanelLayout.STRIP_BYTES);
      configuration.set(ValueLayout.JAVA_BYTE, 48 + tile, (byte) (tile < LANES ? rows : TILE_ROWS));
    }
  }

  @Override
  public TileRows manyRows() {
    return manyRows;
  }

  @Override
  public String instructions() {
    return "amx_bf16";
  }

  @Override
  public void multiply(long panel, int strips, long weights, long stride, int rows, int columns, long tile) {
    int blocks = columns / PanelLayout.BLOCK;
    int done = blocks * PanelLayout.BLOCK;
    int most = strips <= FEW_STRIPS ? ahead.fewTiles() : 2;
    int i = 0;
    while (blocks > 0 && i < rows) {
      int tiles = rows - i >= 2 * TILE_ROWS ? most : 1;
      int filled = Math.min(TILE_ROWS, rows - i);
      int groups = (rows - i) / (tiles * filled);
      multiplyTiles(panel, strips, weights + i * stride, stride, tiles, filled, groups, blocks, tile + (long) i * PanelLayout.TILE_BYTES);
      i += groups * tiles * filled;
    }
    if (done < columns) {
      long behind = panel + (long) done / 2 * strips * PanelLayout.STRIP_BYTES;
      rest.multiply(behind, strips, weights + 2L * done, stride, rows, columns - done, tile);
    }
  }

  /** Groups of one or two tiles of weights, {@code filled} rows in each, with all lanes. */
  private void multiplyTiles(
      long panel, int strips, long weights, long stride, int tiles, int filled, int groups, int blocks, long tile) {
    long configuration = configurations.address() + (long) filled * CONFIGURATION_BYTES;
    long last = Math.min(ahead.steps(), blocks);
    long counts = (long) groups << Integer.SIZE | (blocks - last) << LAST_BITS | last;
    for (int s = 0; s < strips; s += 2) {
      long across = (long) s * PanelLayout.STRIP_BYTES;
      Routine routine = routines[tiles][Math.min(2, strips - s)][strips];
      routine.call(panel + across, weights, stride, counts, tile + across, configuration);
    }
  }

  @Override
  public long multiplyRegisters(long operands, int steps) {
    long configuration = configurations.address() + (long) TILE_ROWS * CONFIGURATION_BYTES;
    registers.call(operands, 0, 0, steps, 0, configuration);
    return (long) steps * WEIGHTS * FLOPS;
  }

  /** RDI operands, RCX steps, R9 configuration, which makes the sums zero: two tiles of weights by two of lanes. */
  private static void registerCode(Assembler code) {
    code.ldtilecfg(Address.at(R9, 0));
    code.mov(R11, PanelLayout.STRIP_BYTES);
    for (int tile = WEIGHTS; tile < LANES + 2; tile++) {
      code.tileloadd(tile, Address.at(RDI, R11, 1));
    }
    int top = code.here();
    multiplyTiles(code, 2, 2);
    code.dec(RCX);
    code.jnz(top);
    code.tilerelease();
    code.ret();
  }

  /**
   * RDI panel, RSI weights, RDX stride, RCX groups of rows in the upper half, below them steps of 32 columns that ask for weights of the
   * same rows, and in the last {@value #LAST_BITS} bits how many steps ask for the first of the next group, R8 tile, R9 configuration.
   *
   * <p>R12 weights of the group, then of the next, R13 panel, R14 and RBP steps, R15 groups left; in the loop R9 the second tile of weights,
   * RBX weights to ask for.
   */
  static void code(Assembler code, int rowTiles, int laneTiles, int strips, Ahead ahead) {
    code.push(KEPT);
    code.ldtilecfg(Address.at(R9, 0));
    code.mov(R10, strips * PanelLayout.STRIP_BYTES);
    code.mov(R11, PanelLayout.TILE_BYTES);
    code.mov(R12, RSI);
    code.mov(R13, RDI);
    code.mov(R15, RCX);
    code.shr(R15, Integer.SIZE);
    code.mov(RBP, RCX);
    code.and(RBP, (1 << LAST_BITS) - 1);
    code.mov(R14, RCX);
    code.shl(R14, Integer.SIZE);
    code.shr(R14, Integer.SIZE + LAST_BITS);
    int nextGroup = code.here();
    for (int i = 0; i < rowTiles * laneTiles; i++) {
      code.tileloadd(i, result(i, laneTiles));
    }
    code.mov(RSI, R12);
    code.mov(RDI, R13);
    code.mov(R9, RDX);
    code.shl(R9, Integer.numberOfTrailingZeros(TILE_ROWS));
    code.mov(RBX, RDX);
    code.shl(RBX, Integer.numberOfTrailingZeros(rowTiles * TILE_ROWS));
    code.add(R9, RSI);
    code.add(R12, RBX);
    code.lea(RBX, Address.at(RSI, ahead.steps() * STEP_BYTES));
    code.mov(RCX, R14);
    code.test(RCX, RCX);
    int few = code.jz();
    steps(code, rowTiles, laneTiles, strips, ahead);
    code.land(few);
    code.mov(RBX, R12);
    code.mov(RCX, RBP);
    steps(code, rowTiles, laneTiles, strips, ahead);
    for (int i = 0; i < rowTiles * laneTiles; i++) {
      code.tilestored(result(i, laneTiles), i);
    }
    code.add(R8, rowTiles * TILE_ROWS * PanelLayout.TILE_BYTES);
    code.dec(R15);
    code.jnz(nextGroup);
    code.tilerelease();
    code.pop(KEPT);
    code.ret();
  }

  /** RCX of them. */
  private static void steps(Assembler code, int rowTiles, int laneTiles, int strips, Ahead ahead) {
    int top = code.here();
    step(code, rowTiles, laneTiles);
    code.mov(RAX, RBX);
    for (int row = 0; row < rowTiles * TILE_ROWS; row++) {
      ahead.soon(code, Address.at(RAX, 0));
      code.add(RAX, RDX);
    }
    code.add(RBX, STEP_BYTES);
    code.add(RSI, STEP_BYTES);
    code.add(R9, STEP_BYTES);
    code.add(RDI, PanelLayout.BLOCK / 2 * strips * PanelLayout.STRIP_BYTES);
    code.dec(RCX);
    code.jnz(top);
  }

  private static Address result(int i, int laneTiles) {
    int row = i / laneTiles * TILE_ROWS;
    return Address.at(R8, R11, 1).plus(row * PanelLayout.TILE_BYTES + i % laneTiles * PanelLayout.STRIP_BYTES);
  }

  private static void step(Assembler code, int rowTiles, int laneTiles) {
    for (int i = 0; i < rowTiles; i++) {
      code.tileloadd(WEIGHTS + i, Address.at(i == 0 ? RSI : R9, RDX, 1));
    }
    for (int j = 0; j < laneTiles; j++) {
      code.tileloadd(LANES + j, Address.at(RDI, R10, 1).plus(j * PanelLayout.STRIP_BYTES));
    }
    multiplyTiles(code, rowTiles, laneTiles);
  }

  private static void multiplyTiles(Assembler code, int rowTiles, int laneTiles) {
    for (int i = 0; i < rowTiles; i++) {
      for (int j = 0; j < laneTiles; j++) {
        code.tdpbf16ps(i * laneTiles + j, WEIGHTS + i, LANES + j);
      }
    }
  }
}
