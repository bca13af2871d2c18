package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * Tiles of blocks into two strips of a panel, in float32 or rounded to bf16: RDI tiles, RSI how many, RDX the first strip, RCX bytes from an
 * element of the panel to the next.
 */
final class BlockWidenCode {
  private static final int VECTOR_BYTES = 64;
  private static final int WEIGHT = 0;
  private static final int SCALE = 26;
  private static final int EXCESS = 28;
  private static final int IN_TURNS = 30;
  private static final int MASK = 31;

  private BlockWidenCode() {}

  static void code(Assembler code, WeightBlock type, PanelElement to) {
    code(code, type, to, 1);
  }

  /** @param parts of which each weight is the sum in a panel for {@link TileRows}, see {@link WeightParts}; 1 where it is rounded */
  static void code(Assembler code, WeightBlock type, PanelElement to, int parts) {
    if (parts > 1) {
      PartCode.constants(code);
    }
    code.mov(RAX, (1 << type.bits()) - 1);
    code.vpbroadcastd(MASK, RAX);
    if (to == PanelElement.PAIR) {
      HalvesInTurns.index(code, IN_TURNS, 0);
    }
    code.mov(RAX, Float.floatToRawIntBits(-type.excess()));
    code.vpbroadcastd(EXCESS, RAX);
    int next = code.here();
    for (int half = 0; half < WeightBlock.HALVES; half++) {
      half(code, type, to, parts, half);
    }
    code.mov(RDX, R11);
    if (parts > 1) {
      code.add(RDX, (parts - 1) * PartCode.APART);
    }
    code.add(RDI, type.tileBytes());
    code.dec(RSI);
    code.jnz(next);
    code.vzeroupper();
    code.ret();
  }

  /** Leaves in R11 where the next tile's first strip goes. */
  private static void half(Assembler code, WeightBlock type, PanelElement to, int parts, int half) {
    Address tile = Address.at(RDI, 0);
    code.vcvtph2ps(SCALE, 0, WeightBlock.scales(tile, half));
    code.vmulps(SCALE + 1, SCALE, EXCESS);
    code.mov(R11, RDX);
    for (int part = 0; part < type.parts(); part++) {
      for (int step = 0; step < type.steps(); step++) {
        code.vmovups(WEIGHT + Integer.BYTES, WeightBlock.weights(tile, half, step));
        for (int i = 0; i < Integer.BYTES; i++) {
          widen(code, WEIGHT + i, WEIGHT + Integer.BYTES, i * Byte.SIZE + part * type.bits());
        }
        for (int i = 0; i < Integer.BYTES; i += to.columns()) {
          store(code, WEIGHT + i, to, parts, Address.at(R11, half * VECTOR_BYTES));
          code.add(R11, RCX);
        }
      }
    }
  }

  private static void store(Assembler code, int weight, PanelElement to, int parts, Address element) {
    if (parts > 1) {
      PartCode.emit(code, weight, parts, element);
      return;
    }
    if (to == PanelElement.PAIR) {
      code.vcvtne2ps2bf16(weight, weight + 1, weight);
      code.vpermw(weight, IN_TURNS, weight);
    }
    code.vmovups(element, weight);
  }

  private static void widen(Assembler code, int target, int source, int bits) {
    code.vpsrld(target, source, bits);
    code.vpandd(target, target, MASK);
    code.vcvtdq2ps(target, target);
    code.vfmadd213ps(target, SCALE, SCALE + 1);
  }
}
