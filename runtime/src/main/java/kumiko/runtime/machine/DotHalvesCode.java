package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * {@link DotCode} in the 16 registers of AVX2, for one row of weights or four neighbouring ones at a time; RDX tells how often. A row is
 * summed in the same order alone and with others. Nothing is asked for: processors see four rows in order coming.
 */
final class DotHalvesCode {
  private static final int FOUR = 4;
  private static final int LANES = 8;

  /** Vectors of eight columns in a turn of the loop, those of even and of odd places in sums of their own. */
  private static final int VECTORS = 4;

  private static final int GROUP = VECTORS * LANES;
  private static final int HALF_BYTES = LANES * Float.BYTES;
  private static final int WEIGHT = 2 * FOUR;
  private static final int FACTOR = WEIGHT + FOUR;

  private final Assembler code;
  private final WeightVector type;
  private final int rows;

  private DotHalvesCode(Assembler code, WeightVector type, int rows) {
    this.code = code;
    this.type = type;
    this.rows = rows;
  }

  /** @param rows at a time, 1 or 4; int8 is multiplied by the unit of a single row */
  static void code(Assembler code, WeightVector type, int rows) {
    new DotHalvesCode(code, type, rows).emit();
  }

  private void emit() {
    code.push(RBX);
    DotCode.takeApart(code, RBX);
    code.lea(RBX, Address.at(RSI, RSI, 2));
    int nextRows = code.here();
    for (int i = 0; i < 2 * FOUR; i++) {
      code.clearHalf(i);
    }
    ColumnLoop.emit(code, GROUP, Pages.NONE, this::turn, this::rest);
    for (int r = 0; r < rows; r++) {
      code.addHalf(r, FOUR + r);
    }
    code.sumFour(0, FACTOR);
    Address results = Address.at(R9, 0);
    if (rows == 1) {
      if (type == WeightVector.I8_ROWS) {
        code.loadOne(FACTOR, Address.at(RDI, -Float.BYTES));
        code.scaleHalf(0, FACTOR);
      }
      code.loadOne(FACTOR, results);
      code.addHalf(0, FACTOR);
      code.storeOne(results, 0);
    } else {
      code.addQuarter(0, results);
      code.storeQuarter(results, 0);
    }
    code.lea(RDI, Address.at(RDI, RSI, rows));
    code.add(R9, rows * Float.BYTES);
    code.dec(RDX);
    code.jnz(nextRows);
    code.pop(RBX);
    code.vzeroupper();
    code.ret();
  }

  private void turn() {
    int bytes = type.bytes() / 2;
    for (int v = 0; v < VECTORS; v++) {
      vector(v % 2 * FOUR, v * bytes, v * HALF_BYTES);
    }
    code.add(R10, VECTORS * bytes);
    code.add(R11, GROUP * Float.BYTES);
  }

  private void vector(int sums, int weights, int factors) {
    code.loadHalf(FACTOR, Address.at(R11, factors));
    for (int r = 0; r < rows; r++) {
      Address stored = row(r).plus(weights);
      if (type == WeightVector.F32) {
        code.multiplyHalf(sums + r, FACTOR, stored);
      } else {
        type.loadHalf(code, WEIGHT + r, stored);
        code.multiplyHalf(sums + r, FACTOR, WEIGHT + r);
      }
    }
  }

  private static Address row(int i) {
    return switch (i) {
      case 0 -> Address.at(R10, 0);
      case FOUR - 1 -> Address.at(R10, RBX, 1);
      default -> Address.at(R10, RSI, i);
    };
  }

  /** A vector at a time, and a column where there are fewer than eight. */
  private void rest() {
    code.shr(RAX, Integer.numberOfTrailingZeros(LANES));
    int few = code.jz();
    int next = code.here();
    vector(0, 0, 0);
    code.add(R10, type.bytes() / 2);
    code.add(R11, HALF_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, LANES - 1);
    int none = code.jz();
    code.push(RDX);
    int nextColumn = code.here();
    code.loadOne(FACTOR, Address.at(R11, 0));
    for (int r = 0; r < rows; r++) {
      type.loadOne(code, WEIGHT + r, row(r), RDX);
      code.multiplyHalf(r, FACTOR, WEIGHT + r);
    }
    code.add(R10, type.type().blockBytes());
    code.add(R11, Float.BYTES);
    code.dec(RAX);
    code.jnz(nextColumn);
    code.pop(RDX);
    code.land(none);
  }
}
