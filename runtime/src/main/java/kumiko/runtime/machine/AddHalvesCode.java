package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * {@link PanelMoves#add} of sixteen columns in the 16 registers of AVX2, four squares of 8 x 8 elements one after the other: RDI tile, RSI y,
 * RDX stride, RCX lanes, R9 bytes from one row of the tile to the next.
 */
final class AddHalvesCode {
  private static final int SQUARE = 8;
  private static final int HALF_BYTES = SQUARE * Float.BYTES;

  private AddHalvesCode() {}

  static void code(Assembler code) {
    int[] ends = {};
    for (int lanes = 0; lanes < 2; lanes++) {
      code.lea(R8, Address.at(RDI, lanes * HALF_BYTES));
      for (int columns = 0; columns < 2; columns++) {
        for (int i = 0; i < SQUARE; i++) {
          code.loadHalf(i, Address.at(R8, 0));
          code.add(R8, R9);
        }
        code.turnHalves(0, SQUARE);
        code.lea(R10, Address.at(RSI, columns * HALF_BYTES));
        code.mov(R11, RCX);
        int[] jumps = addTurned(code);
        if (lanes == 0 && columns == 1) {
          ends = jumps;
        } else {
          land(code, jumps);
        }
      }
      code.lea(RSI, Address.at(RSI, RDX, SQUARE));
      code.add(RCX, -SQUARE);
    }
    land(code, ends);
    code.vzeroupper();
    code.ret();
  }

  /** From register 8 on; gives the jumps that are taken behind the last of the R11 lanes. */
  private static int[] addTurned(Assembler code) {
    int[] jumps = new int[SQUARE];
    for (int lane = 0; lane < SQUARE; lane++) {
      Address y = Address.at(R10, 0);
      code.addHalf(SQUARE + lane, y);
      code.storeHalf(y, SQUARE + lane);
      code.add(R10, RDX);
      code.dec(R11);
      jumps[lane] = code.jz();
    }
    return jumps;
  }

  private static void land(Assembler code, int[] jumps) {
    for (int jump : jumps) {
      code.land(jump);
    }
  }
}
