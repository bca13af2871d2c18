package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R12;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * Rows of weights times a float32 each, added to a row of float32: RDI weights, RSI bytes from one row of weights to the next, RDX rows,
 * RCX their factors, R8 columns, R9 the sums.
 *
 * <p>Four rows at a time pass by the sums, which stay in the nearest cache.
 */
final class SumCode {
  private static final int ROWS = 4;
  private static final int WEIGHT = 1;
  private static final int WEIGHTS = 2;
  private static final int FACTOR = 3;
  private static final int VECTOR_BYTES = Float.BYTES * WeightVector.LANES;

  private SumCode() {}

  static void code(Assembler code, WeightVector type, Ahead ahead) {
    code.push(RBX);
    code.push(R12);
    code.mov(RAX, R8);
    code.and(RAX, WeightVector.LANES - 1);
    code.mov(R10, -1L);
    code.bzhi(R10, R10, RAX);
    code.kmovw(1, R10);
    for (int rows : new int[]{ROWS, 1}) {
      code.mov(RAX, RDX);
      if (rows == 1) {
        code.and(RAX, ROWS - 1);
      } else {
        code.shr(RAX, Integer.numberOfTrailingZeros(ROWS));
      }
      int none = code.jz();
      int next = code.here();
      pass(code, type, rows, ahead);
      code.dec(RAX);
      code.jnz(next);
      code.land(none);
    }
    code.pop(R12);
    code.pop(RBX);
    code.vzeroupper();
    code.ret();
  }

  /** Some rows by all sums. */
  private static void pass(Assembler code, WeightVector type, int rows, Ahead ahead) {
    for (int i = 0; i < rows; i++) {
      code.vbroadcastss(FACTOR + i, Address.at(RCX, i * Float.BYTES));
    }
    code.push(RAX);
    code.mov(R10, RDI);
    code.mov(R11, R9);
    code.lea(RBX, Address.at(RSI, RSI, 2));
    code.lea(R12, Address.at(RDI, RSI, ROWS));
    code.mov(RAX, R8);
    code.shr(RAX, Integer.numberOfTrailingZeros(WeightVector.LANES));
    int few = code.jz();
    int next = code.here();
    for (int i = 0; i < rows; i++) {
      // The next rows: a few neighbouring columns of each are too little for the processor to see them coming.
      ahead.soon(code, weights(R12, i));
    }
    vector(code, type, rows, 0);
    code.add(R10, type.bytes());
    code.add(R12, type.bytes());
    code.add(R11, VECTOR_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, WeightVector.LANES - 1);
    int whole = code.jz();
    vector(code, type, rows, 1);
    code.land(whole);
    code.pop(RAX);
    code.add(RCX, rows * Float.BYTES);
    for (int i = 0; i < rows; i++) {
      code.add(RDI, RSI);
    }
  }

  private static void vector(Assembler code, WeightVector type, int rows, int mask) {
    code.vmovups(0, mask, Address.at(R11, 0));
    for (int i = 0; i < rows; i++) {
      int weight = WEIGHT + i % WEIGHTS;
      type.load(code, weight, mask, weights(R10, i));
      code.vfmadd231ps(0, weight, FACTOR + i);
    }
    code.vmovups(Address.at(R11, 0), mask, 0);
  }

  private static Address weights(Register first, int row) {
    return switch (row) {
      case 0 -> Address.at(first, 0);
      case 1 -> Address.at(first, RSI, 1);
      case 2 -> Address.at(first, RSI, 2);
      default -> Address.at(first, RBX, 1);
    };
  }
}
