package kumiko.runtime.machine;

import static kumiko.runtime.machine.FloatInstructions.Comparison.LESS;
import static kumiko.runtime.machine.FloatInstructions.Comparison.NOT_LESS;
import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * Products of keys and queries become exponentials, and the state of {@link PanelAttention} is brought up to date: RDI tile, RSI state, RDX
 * keys, RCX number of the first, R8 {@link #arguments}, R9 the panel that pairs go to; keys are then an even number.
 */
final class SoftenCode {
  private static final int MAX = 2;
  private static final int SHRUNK = 3;
  private static final int SUM = 4;

  /** Exponentials of up to two keys. */
  private static final int EXPONENTIAL = 5;

  /** What an exponential is computed in, three for each. */
  private static final int WORK = 8;

  private static final int WORKING = 3;

  private static final int IN_TURNS = 14;
  private static final int HIDDEN = 15;
  private static final int ONE = 16;
  private static final int FIRST_KEY = 17;
  private static final int FACTOR = 18;

  private SoftenCode() {}

  /** R8. */
  static long arguments(int strips, float scale) {
    return ((long) strips << Integer.SIZE) | Integer.toUnsignedLong(Float.floatToRawIntBits(scale));
  }

  /** @param to single exponentials take the place of what the tile held; pairs are rounded to bf16 and go to a panel whose columns are keys */
  static void code(Assembler code, PanelElement to) {
    ExponentialCode.constants(code);
    ExponentialCode.constant(code, HIDDEN, Float.NEGATIVE_INFINITY);
    if (to == PanelElement.PAIR) {
      HalvesInTurns.index(code, IN_TURNS, 0);
    }
    code.mov(RAX, 1);
    code.vpbroadcastd(ONE, RAX);
    code.vpbroadcastd(FACTOR, R8);
    code.vpbroadcastd(FIRST_KEY, RCX);
    code.shr(R8, Integer.SIZE);
    code.mov(R11, R8);
    code.shl(R11, Integer.numberOfTrailingZeros(PanelLayout.STRIP_BYTES));
    int nextStrip = code.here();
    maxima(code);
    code.vsubps(SHRUNK, SHRUNK, MAX);
    ExponentialCode.emit(code, SHRUNK, WORK);
    code.vmovups(Address.at(RSI, PanelAttention.SHRUNK), SHRUNK);
    code.vmovups(Address.at(RSI, PanelAttention.MAX), MAX);
    code.vmulps(SUM, SHRUNK, Address.at(RSI, PanelAttention.SUM));
    code.mov(R10, RDI);
    code.mov(RCX, R9);
    code.mov(RAX, RDX);
    code.shr(RAX, Integer.numberOfTrailingZeros(to.columns()));
    int next = code.here();
    exponentials(code, to);
    code.add(R10, to.columns() * PanelLayout.TILE_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.vmovups(Address.at(RSI, PanelAttention.SUM), SUM);
    for (Register place : new Register[]{RDI, RSI, R9}) {
      code.add(place, PanelLayout.STRIP_BYTES);
    }
    code.dec(R8);
    code.jnz(nextStrip);
    code.vzeroupper();
    code.ret();
  }

  private static void exponentials(Assembler code, PanelElement to) {
    for (int i = 0; i < to.columns(); i++) {
      int x = EXPONENTIAL + i;
      code.vmovups(x, Address.at(R10, i * PanelLayout.TILE_BYTES));
      code.vsubps(x, x, MAX);
      ExponentialCode.emit(code, x, WORK + i * WORKING);
      code.vaddps(SUM, SUM, x);
    }
    if (to == PanelElement.SINGLE) {
      code.vmovups(Address.at(R10, 0), EXPONENTIAL);
      return;
    }
    code.vcvtne2ps2bf16(EXPONENTIAL, EXPONENTIAL + 1, EXPONENTIAL);
    code.vpermw(EXPONENTIAL, IN_TURNS, EXPONENTIAL);
    code.vmovups(Address.at(RCX, 0), EXPONENTIAL);
    code.add(RCX, R11);
  }

  /** Scores of a strip, scaled and hidden, into the tile; the maximum of before into {@link #SHRUNK}, the one of now into {@link #MAX}. */
  private static void maxima(Assembler code) {
    int first = 0;
    int end = 1;
    int key = 4;
    int score = 5;
    code.vmovups(first, Address.at(RSI, PanelAttention.FIRST));
    code.vmovups(end, Address.at(RSI, PanelAttention.END));
    code.vmovups(MAX, Address.at(RSI, PanelAttention.MAX));
    code.vmovaps(SHRUNK, MAX);
    code.vmovaps(key, FIRST_KEY);
    code.mov(R10, RDI);
    code.mov(RAX, RDX);
    int next = code.here();
    code.vpcmpd(1, 0, key, first, NOT_LESS);
    code.vpcmpd(1, 1, key, end, LESS);
    code.vmovaps(score, HIDDEN);
    code.vmulpsWithin(1, score, FACTOR, Address.at(R10, 0));
    code.vmovups(Address.at(R10, 0), score);
    code.vmaxps(MAX, MAX, score);
    code.vpaddd(key, key, ONE);
    code.add(R10, PanelLayout.TILE_BYTES);
    code.dec(RAX);
    code.jnz(next);
  }
}
