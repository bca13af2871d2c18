package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * What attention does between and after its products, for up to 64 queries at once, each of them a lane of a {@link PanelLayout} tile
 * whose rows are keys. Before the tile lies a <em>state</em> of {@value #STATE_BYTES} bytes: rows of 64 lanes, one after another the
 * first key that each query sees, the end of those (both i32), its largest score so far, the sum of its exponentials, and by what a
 * larger score has just shrunk what was summed before (float32).
 *
 * <p>The way of doing it a tile at a time is from Milakov and Gimelshein 2018 (arXiv:1805.02867) and Dao et al. 2022 (arXiv:2205.14135).
 */
public final class PanelAttention {
  /** Bytes of a state. */
  public static final int STATE_BYTES = 5 * PanelLayout.TILE_BYTES;

  /** Where the state's parts begin. */
  public static final int FIRST = 0;

  public static final int END = PanelLayout.TILE_BYTES;
  public static final int MAX = 2 * PanelLayout.TILE_BYTES;
  public static final int SUM = 3 * PanelLayout.TILE_BYTES;
  static final int SHRUNK = 4 * PanelLayout.TILE_BYTES;

  /** Queries whose sums are in registers at once: with four strips of columns they are sixteen. */
  private static final int QUERIES = 4;

  /** Strips of columns whose sums are in registers at once. */
  private final int together;

  private final Routine soften;
  private final Routine scale;

  /** By strips, from 1: where the last is not full, and where all are. */
  private final Routine[] mixes = new Routine[PanelLayout.STRIPS + 1];

  private final Routine[] wholeMixes = new Routine[PanelLayout.STRIPS + 1];

  PanelAttention(CodeInstaller installer) {
    together = installer.vectors() < Assembler.VECTORS ? 1 : PanelLayout.STRIPS;
    soften = installer.install(code -> SoftenCode.code(code, PanelElement.SINGLE));
    scale = installer.install(PanelAttention::scaleCode);
    for (int strips = 1; strips <= PanelLayout.STRIPS; strips++) {
      int count = strips;
      mixes[strips] = installer.install(code -> mixCode(code, count, 1));
      wholeMixes[strips] = installer.install(code -> mixCode(code, count, 0));
    }
  }

  /**
   * Products of keys and queries become exponentials: {@code e^(scale tile[k, lane] - max[lane])}, or zero where key {@code key + k} is
   * not one that the lane sees. The state takes part and is brought up to date.
   *
   * @param tile address of the tile, behind its state
   * @param strips of lanes
   * @param key number of the tile's first key
   * @param count keys in the tile, at least 1
   */
  public void soften(long tile, int strips, int key, int count, float scale) {
    soften.call(tile, tile - STATE_BYTES, count, key, SoftenCode.arguments(strips, scale), 0);
  }

  /**
   * {@code mixed[lane, d] = shrunk[lane] * mixed[lane, d] + sum over k of tile[k, lane] * values[k, d]} for {@code d < columns}.
   *
   * @param tile address of what {@link #soften} left, behind its state
   * @param strips of lanes
   * @param values address of {@code count} rows of {@code columns} float32 without a gap
   * @param mixed address of such rows, of all lanes of the strips
   */
  public void mix(long tile, int strips, long values, int count, int columns, long mixed) {
    long groups = (long) strips * PanelLayout.STRIP / QUERIES;
    for (int d = 0; d < columns; d += together * PanelLayout.STRIP) {
      int taken = Math.min(together * PanelLayout.STRIP, columns - d);
      int last = Math.ceilDiv(taken, PanelLayout.STRIP);
      long mask = (1L << (taken - (last - 1) * PanelLayout.STRIP)) - 1;
      long from = (long) d * Float.BYTES;
      Routine routine = taken % PanelLayout.STRIP == 0 ? wholeMixes[last] : mixes[last];
      routine.call(tile, values + from, (long) columns * Float.BYTES, count, mixed + from, groups << Integer.SIZE | mask);
    }
  }

  /**
   * {@code to[lane][d] = factors[lane] * mixed[lane, d]} for {@code d < columns} and {@code lane < lanes}.
   *
   * @param to address of one address for each lane
   * @param factors address of one float32 for each lane
   */
  public void scale(long mixed, long to, int lanes, long factors, int columns) {
    scale.call(mixed, to, lanes, factors, columns / PanelLayout.STRIP, columns % PanelLayout.STRIP);
  }

  /** RDI tile, RSI values, RDX bytes of a row, RCX keys, R8 mixed, R9 groups of lanes and the columns of the last strip, as bits. */
  private static void mixCode(Assembler code, int strips, int lastMask) {
    boolean hasFew = code.vectors() < Assembler.VECTORS;
    int value = hasFew ? QUERIES : QUERIES * PanelLayout.STRIPS;
    int factor = hasFew ? QUERIES + 1 : value + PanelLayout.STRIPS;
    code.push(RBX);
    code.kmovw(1, R9);
    code.shr(R9, Integer.SIZE);
    code.lea(R11, Address.at(RDI, SHRUNK - STATE_BYTES));
    int nextGroup = code.here();
    for (int i = 0; i < QUERIES * strips; i++) {
      code.vpxord(i);
    }
    code.mov(R10, RDI);
    code.mov(RAX, RSI);
    code.mov(RBX, RCX);
    int nextKey = code.here();
    for (int s = 0; s < strips; s++) {
      code.vmovups(value + s, s == strips - 1 ? lastMask : 0, Address.at(RAX, s * PanelLayout.STRIP_BYTES));
    }
    for (int i = 0; i < QUERIES; i++) {
      Address exponential = Address.at(R10, i * Float.BYTES);
      if (hasFew) {
        code.vfmadd231psEach(i, value, exponential);
        continue;
      }
      code.vbroadcastss(factor + i, exponential);
      for (int s = 0; s < strips; s++) {
        code.vfmadd231ps(i * strips + s, value + s, factor + i);
      }
    }
    code.add(R10, PanelLayout.TILE_BYTES);
    code.add(RAX, RDX);
    code.dec(RBX);
    code.jnz(nextKey);
    for (int i = 0; i < QUERIES; i++) {
      code.vbroadcastss(factor, Address.at(R11, i * Float.BYTES));
      for (int s = 0; s < strips; s++) {
        int mask = s == strips - 1 ? lastMask : 0;
        Address mixed = Address.at(R8, s * PanelLayout.STRIP_BYTES);
        code.vmovups(value, mask, mixed);
        code.vfmadd231ps(i * strips + s, value, factor);
        code.vmovups(mixed, mask, i * strips + s);
      }
      code.add(R8, RDX);
    }
    code.add(RDI, QUERIES * Float.BYTES);
    code.add(R11, QUERIES * Float.BYTES);
    code.dec(R9);
    code.jnz(nextGroup);
    code.pop(RBX);
    code.vzeroupper();
    code.ret();
  }

  /** RDI rows, RSI the addresses where they go, RDX rows, RCX their factors, R8 whole vectors of a row, R9 columns behind them. */
  static void scaleCode(Assembler code) {
    code.mov(R10, -1L);
    code.bzhi(R10, R10, R9);
    code.kmovw(1, R10);
    int nextRow = code.here();
    code.mov(R10, Address.at(RSI, 0));
    code.vbroadcastss(0, Address.at(RCX, 0));
    code.mov(RAX, R8);
    code.test(RAX, RAX);
    int few = code.jz();
    int next = code.here();
    code.vmulps(1, 0, Address.at(RDI, 0));
    code.vmovups(Address.at(R10, 0), 1);
    code.add(RDI, PanelLayout.STRIP_BYTES);
    code.add(R10, PanelLayout.STRIP_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.vmovups(1, 1, Address.at(RDI, 0));
    code.vmulps(1, 0, 1);
    code.vmovups(Address.at(R10, 0), 1, 1);
    code.lea(RDI, Address.at(RDI, R9, Float.BYTES));
    code.add(RSI, Long.BYTES);
    code.add(RCX, Float.BYTES);
    code.dec(RDX);
    code.jnz(nextRow);
    code.vzeroupper();
    code.ret();
  }
}
