package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * What attention of many queries does between its products where those are of bf16; states, lanes and tiles are those of
 * {@link PanelAttention}. Exponentials become a panel for a {@link PanelProduct} of the values, turned so that each of their columns is a
 * row of keys; results then are rows of lanes, one for each column of the values.
 */
public final class PairAttention {
  /** Keys whose values are turned together. */
  public static final int KEYS = PanelLayout.BLOCK;

  private final Routine soften;
  private final Routine shrink;
  private final Routine turn;

  PairAttention(CodeInstaller installer) {
    soften = installer.install(code -> SoftenCode.code(code, PanelElement.PAIR));
    shrink = installer.install(PairAttention::shrinkCode);
    turn = installer.install(PairAttention::turnCode);
  }

  /**
   * {@link PanelAttention#soften}, with the exponentials rounded to bf16 (to nearest even) in a panel whose columns are keys. Sums are of
   * exponentials that were not rounded. What the tile held is lost.
   *
   * @param state address of the state
   * @param count keys, an even number at least 2; zero is the exponential of those past the last that a lane sees
   * @param panel address of a panel of {@code strips} strips
   */
  public void soften(long tile, long state, int strips, int key, int count, float scale, long panel) {
    soften.call(tile, state, count, key, SoftenCode.arguments(strips, scale), panel);
  }

  /** {@code mixed[d, lane] *= shrunk[lane]}, as the last {@link #soften} found it, for {@code d < rows}. */
  public void shrink(long mixed, long state, int strips, int rows) {
    shrink.call(mixed, state + PanelAttention.SHRUNK, rows, strips, 0, 0);
  }

  /**
   * {@code to[d, k] = values[k, d]} rounded to bf16, to nearest even, for {@code d < columns} and {@code k < 32 blocks}.
   *
   * @param values address of rows of {@code columns} float32 without a gap
   * @param to address of as many rows as there are columns, rounded up to whole sixteens: those past the last become zero
   * @param stride bytes from one row there to the next
   */
  public void turn(long values, int blocks, int columns, long to, long stride) {
    for (int d = 0; d < columns; d += PanelLayout.STRIP) {
      long mask = (1L << Math.min(PanelLayout.STRIP, columns - d)) - 1;
      turn.call(values + (long) d * Float.BYTES, (long) columns * Float.BYTES, blocks, mask, to + d * stride, stride);
    }
  }

  /** RDI rows, RSI factors, RDX how many rows, RCX strips. */
  static void shrinkCode(Assembler code) {
    int nextStrip = code.here();
    code.vmovups(0, Address.at(RSI, 0));
    code.mov(R10, RDI);
    code.mov(RAX, RDX);
    int next = code.here();
    code.vmulps(1, 0, Address.at(R10, 0));
    code.vmovups(Address.at(R10, 0), 1);
    code.add(R10, PanelLayout.TILE_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.add(RDI, PanelLayout.STRIP_BYTES);
    code.add(RSI, PanelLayout.STRIP_BYTES);
    code.dec(RCX);
    code.jnz(nextStrip);
    code.vzeroupper();
    code.ret();
  }

  /** RDI values, RSI bytes of a row, RDX blocks of keys, RCX the columns that there are, as bits, R8 where they go, R9 bytes of a row there. */
  static void turnCode(Assembler code) {
    int index = 18;
    code.kmovw(1, RCX);
    int next = code.here();
    // The turn uses all registers.
    HalvesInTurns.index(code, index, 0);
    for (int i = 0; i < PanelLayout.STRIP; i++) {
      code.vmovups(16, 1, Address.at(RDI, 0));
      code.vmovups(17, 1, Address.at(RDI, RSI, 1));
      code.vcvtne2ps2bf16(i, 17, 16);
      code.vpermw(i, index, i);
      code.lea(RDI, Address.at(RDI, RSI, 2));
    }
    SquareTurn.emit(code);
    code.mov(RAX, R8);
    for (int i = 0; i < PanelLayout.STRIP; i++) {
      code.vmovups(Address.at(RAX, 0), i);
      code.add(RAX, R9);
    }
    code.add(R8, PanelLayout.STRIP_BYTES);
    code.dec(RDX);
    code.jnz(next);
    code.vzeroupper();
    code.ret();
  }
}
