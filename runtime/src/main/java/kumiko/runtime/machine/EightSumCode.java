package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R13;
import static kumiko.runtime.machine.Register.R14;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBP;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * {@link SumCode} for up to eight rows of sums at once, each with factors of its own: RDI weights, RSI bytes from one row of weights to the next,
 * RDX rows of weights and in its upper half the bytes from one row of sums to the next, RCX the first factors, R8 columns and in its upper half
 * the bytes from one row of factors to the next, R9 the first sums.
 *
 * <p>Sixteen factors stay in registers, of four rows of weights and four of sums: a vector of sums is loaded and stored once for four products,
 * so that products are all the work. With more than four rows of sums the others meet the same weights next, when those are in the nearest cache.
 */
final class EightSumCode {
  static final int MOST_SUMS = 8;

  /** Rows of weights, and of sums, that meet at a time. */
  private static final int FOUR = 4;

  /** Vectors of columns in a turn of the loop. */
  private static final int VECTORS = 2;

  private static final int COLUMNS = VECTORS * WeightVector.LANES;
  private static final int SUM = 0;
  private static final int WEIGHT = 8;
  private static final int FACTOR = 16;
  private static final int VECTOR_BYTES = Float.BYTES * WeightVector.LANES;
  private static final int LINE_BYTES = 64;

  /** Rows of weights ahead of one that memory is asked for: twice as many as meet at a time. */
  private static final int ROWS_AHEAD = 2 * FOUR;

  private static final Register[] KEPT = {RBX, RBP, R13, R14};

  private final Assembler code;
  private final WeightVector type;
  private final Ahead ahead;
  private final int rows;

  private EightSumCode(Assembler code, WeightVector type, int rows, Ahead ahead) {
    this.code = code;
    this.type = type;
    this.rows = rows;
    this.ahead = ahead;
  }

  /** @param rows of sums, 2 to {@link #MOST_SUMS} */
  static void code(Assembler code, WeightVector type, int rows, Ahead ahead) {
    new EightSumCode(code, type, rows, ahead).emit();
  }

  /** RBX and R14 become the bytes between rows of factors and of sums, RBP three times the latter, R13 three times those between weights. */
  private void emit() {
    code.push(KEPT);
    DotCode.takeApart(code, RBX);
    code.mov(R14, RDX);
    code.shr(R14, Integer.SIZE);
    code.lea(RBP, Address.at(R14, R14, 2));
    code.lea(R13, Address.at(RSI, RSI, 2));
    code.shl(RDX, Integer.SIZE);
    code.shr(RDX, Integer.SIZE);
    ColumnLoop.masks(code, VECTORS, WeightVector.LANES);
    code.push(RDX);
    code.shr(RDX, Integer.numberOfTrailingZeros(FOUR));
    int few = code.jz();
    each(FOUR);
    code.land(few);
    code.pop(RDX);
    code.and(RDX, FOUR - 1);
    int none = code.jz();
    each(1);
    code.land(none);
    code.pop(KEPT);
    code.vzeroupper();
    code.ret();
  }

  /** RDX times {@code weights} rows that meet all sums. */
  private void each(int weights) {
    int next = code.here();
    code.push(RDX);
    for (int first = 0; first < rows; first += FOUR) {
      factors(weights, first, Math.min(FOUR, rows - first));
      pass(weights, first, Math.min(FOUR, rows - first));
    }
    for (int i = 0; i < weights; i++) {
      code.add(RDI, RSI);
    }
    code.add(RCX, weights * Float.BYTES);
    code.pop(RDX);
    code.dec(RDX);
    code.jnz(next);
  }

  private void factors(int weights, int first, int count) {
    code.lea(RAX, first == 0 ? Address.at(RCX, 0) : Address.at(RCX, RBX, FOUR));
    for (int r = 0; r < count; r++) {
      for (int i = 0; i < weights; i++) {
        code.vbroadcastss(factor(r, i), Address.at(RAX, i * Float.BYTES));
      }
      code.add(RAX, RBX);
    }
  }

  /** R10 weights, R11 sums, RDX what is asked for. */
  private void pass(int weights, int first, int count) {
    code.mov(R10, RDI);
    code.lea(R11, first == 0 ? Address.at(R9, 0) : Address.at(R9, R14, FOUR));
    code.lea(RDX, Address.at(RDI, RSI, ROWS_AHEAD));
    code.mov(RAX, R8);
    code.shr(RAX, Integer.numberOfTrailingZeros(COLUMNS));
    int few = code.jz();
    int next = code.here();
    int lines = VECTORS * type.bytes() / LINE_BYTES;
    Requests requests = first > 0 || weights == 1
        ? Requests.NONE
        : new Requests(weights * lines, VECTORS * count,
            i -> ahead.soon(code, place(RDX, RSI, R13, i / lines).plus(i % lines * LINE_BYTES)));
    for (int v = 0; v < VECTORS; v++) {
      vector(weights, count, v, 0, requests);
    }
    code.add(R10, VECTORS * type.bytes());
    code.add(RDX, VECTORS * type.bytes());
    code.add(R11, VECTORS * VECTOR_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, COLUMNS - 1);
    int whole = code.jz();
    for (int v = 0; v < VECTORS; v++) {
      vector(weights, count, v, 1 + v, Requests.NONE);
    }
    code.land(whole);
  }

  private void vector(int weights, int count, int vector, int mask, Requests requests) {
    for (int i = 0; i < weights; i++) {
      type.load(code, weight(vector, i), mask, place(R10, RSI, R13, i).plus(vector * type.bytes()));
    }
    for (int r = 0; r < count; r++) {
      int sum = SUM + vector * FOUR + r;
      Address sums = place(R11, R14, RBP, r).plus(vector * VECTOR_BYTES);
      requests.turn(vector * count + r);
      code.vmovups(sum, mask, sums);
      for (int i = 0; i < weights; i++) {
        code.vfmadd231ps(sum, weight(vector, i), factor(r, i));
      }
      code.vmovups(sums, mask, sum);
    }
  }

  private static int weight(int vector, int i) {
    return WEIGHT + vector * FOUR + i;
  }

  private static int factor(int row, int i) {
    return FACTOR + row * FOUR + i;
  }

  /** The {@code index}th of four that lie {@code apart}. */
  private static Address place(Register first, Register apart, Register threeApart, int index) {
    return switch (index) {
      case 0 -> Address.at(first, 0);
      case FOUR - 1 -> Address.at(first, threeApart, 1);
      default -> Address.at(first, apart, index);
    };
  }
}
