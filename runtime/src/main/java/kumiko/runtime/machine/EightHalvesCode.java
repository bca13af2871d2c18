package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R12;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import java.util.function.IntConsumer;

/**
 * {@link EightCode} of float32 in the 16 registers of AVX2: three rows of weights meet four of the other rows in twelve of them, and the
 * other four after those, when the weights are in the nearest cache.
 */
final class EightHalvesCode {
  /** Other rows at once. */
  private static final int FOUR = 4;

  private static final int LANES = 8;

  /** Vectors of eight columns in a turn of the loop. */
  private static final int VECTORS = 4;

  private static final int HALF_BYTES = LANES * Float.BYTES;
  private static final int GROUP = VECTORS * LANES;
  private static final int LINE_BYTES = 64;
  private static final int WEIGHT = EightCode.ROWS * FOUR;
  private static final int FACTOR = WEIGHT + EightCode.ROWS;

  private final Assembler code;
  private final WeightVector type;
  private final int stride;
  private final int rows;
  private final Ahead ahead;

  private EightHalvesCode(Assembler code, WeightVector type, int stride, int rows, Ahead ahead) {
    this.code = code;
    this.type = type;
    this.stride = stride;
    this.rows = rows;
    this.ahead = ahead;
  }

  /**
   * @param stride bytes from one of the other rows to the next
   * @param rows of weights in a group: 1 or {@link EightCode#ROWS}
   * @param others how many of the other rows there are
   */
  static void code(Assembler code, WeightVector type, int stride, int rows, int others, Ahead ahead) {
    new EightHalvesCode(code, type, stride, rows, ahead).emit(others);
  }

  private void emit(int others) {
    code.push(RBX);
    code.push(R12);
    code.mov(RBX, RSI);
    if (ahead.isInLine()) {
      DotCode.takeApart(code, RBX);
    } else if (rows > 1) {
      code.lea(RBX, Address.at(RSI, RSI, 2));
    }
    int nextRows = code.here();
    for (int first = 0; first < others; first += FOUR) {
      pass(first, Math.min(FOUR, others - first));
    }
    for (int i = 0; i < rows; i++) {
      code.add(RDI, RSI);
    }
    code.add(R9, rows * Eights.TILE_BYTES);
    code.dec(RDX);
    code.jnz(nextRows);
    code.pop(R12);
    code.pop(RBX);
    code.vzeroupper();
    code.ret();
  }

  /** All columns with {@code count} other rows from {@code first} on. */
  private void pass(int first, int count) {
    for (int i = 0; i < rows * FOUR; i++) {
      code.clearHalf(i);
    }
    code.lea(R12, Address.at(RDI, RBX, 1));
    ColumnLoop.emit(code, GROUP, Pages.NONE, () -> turn(first, count), () -> rest(first, count));
    for (int i = 0; i < rows; i++) {
      Address results = Address.at(R9, i * Eights.TILE_BYTES + first * Float.BYTES);
      code.sumFour(i * FOUR, FACTOR);
      code.addQuarter(i * FOUR, results);
      code.storeQuarter(results, i * FOUR);
    }
  }

  private void turn(int first, int count) {
    int bytes = type.bytes() / 2;
    int lines = VECTORS * bytes / LINE_BYTES;
    Requests requests = first > 0 ? Requests.NONE : new Requests(rows * lines, VECTORS * count, this::ask);
    for (int v = 0; v < VECTORS; v++) {
      int vector = v;
      vector(first, count, v * bytes, v * HALF_BYTES, r -> requests.turn(vector * count + r));
    }
    code.add(R10, VECTORS * bytes);
    code.add(R12, ahead.isInLine() ? rows * VECTORS * bytes : VECTORS * bytes);
    code.add(R11, GROUP * Float.BYTES);
  }

  private void ask(int line) {
    int lines = VECTORS * type.bytes() / 2 / LINE_BYTES;
    ahead.far(code, ahead.isInLine() ? Address.at(R12, line * LINE_BYTES) : row(R12, line / lines).plus(line % lines * LINE_BYTES));
  }

  private void vector(int first, int count, int weights, int factors, IntConsumer before) {
    for (int i = 0; i < rows; i++) {
      type.loadHalf(code, WEIGHT + i, row(R10, i).plus(weights));
    }
    for (int r = 0; r < count; r++) {
      before.accept(r);
      code.loadHalf(FACTOR, Address.at(R11, (first + r) * stride + factors));
      for (int i = 0; i < rows; i++) {
        code.multiplyHalf(i * FOUR + r, FACTOR, WEIGHT + i);
      }
    }
  }

  private static Address row(Register base, int i) {
    return i == 0 ? Address.at(base, 0) : Address.at(base, RSI, i);
  }

  /** A vector at a time, and a column where there are fewer than eight. */
  private void rest(int first, int count) {
    code.shr(RAX, Integer.numberOfTrailingZeros(LANES));
    int few = code.jz();
    int next = code.here();
    vector(first, count, 0, 0, r -> {});
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
    for (int i = 0; i < rows; i++) {
      type.loadOne(code, WEIGHT + i, row(R10, i), RDX);
    }
    for (int r = 0; r < count; r++) {
      code.loadOne(FACTOR, Address.at(R11, (first + r) * stride));
      for (int i = 0; i < rows; i++) {
        code.multiplyHalf(i * FOUR + r, FACTOR, WEIGHT + i);
      }
    }
    code.add(R10, type.type().blockBytes());
    code.add(R11, Float.BYTES);
    code.dec(RAX);
    code.jnz(nextColumn);
    code.pop(RDX);
    code.land(none);
  }
}
