package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R12;
import static kumiko.runtime.machine.Register.R13;
import static kumiko.runtime.machine.Register.R14;
import static kumiko.runtime.machine.Register.R15;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * {@link SumCode} for up to eight rows of sums at once, each with factors of its own, and a block of few rows of weights: RDI weights, RSI bytes
 * from one row of weights to the next, RDX rows of weights and in its upper half the bytes from one row of sums to the next, RCX the first
 * factors, as {@link Eights#pack} leaves them, R8 columns and in its upper half 1 where rows of weights lie in line, R9 the first sums.
 *
 * <p>The sums of a few columns stay in registers while all rows of the block pass by, whose weights for those columns have come into the
 * second-level cache: code for the block before asked for them, in the order they lie in.
 */
final class EightSumCode {
  static final int MOST_SUMS = 8;

  private static final int WEIGHT = 16;

  /** Of neighbouring rows, before they take turns. */
  private static final int ONE = 20;

  private static final int OTHER = 22;
  private static final int FACTOR = 24;
  private static final int FACTORS = 2;
  private static final int FIRST_HALVES = 28;
  private static final int SECOND_HALVES = 29;
  private static final int ROOM = 30;
  private static final int LANES = WeightVector.LANES;
  private static final int VECTOR_BYTES = Float.BYTES * LANES;
  private static final int LINE_BYTES = 64;
  private static final int QUARTER = 4;
  private static final Register[] KEPT = {RBX, R12, R13, R14, R15};

  private final Assembler code;
  private final WeightVector type;
  private final PanelElement element;
  private final int factorStride;
  private final int rows;

  /** Vectors of sums of a row. */
  private final int vectors;

  private EightSumCode(Assembler code, WeightVector type, PanelElement element, int factorStride, int rows) {
    this.code = code;
    this.type = type;
    this.element = element;
    this.factorStride = factorStride;
    this.rows = rows;
    vectors = rows <= MOST_SUMS / 2 ? 4 : 2;
  }

  /**
   * @param element what the factors are: with {@link PanelElement#PAIR} weights are bf16
   * @param factorStride bytes from one row of factors to the next
   * @param rows of sums, 2 to {@link #MOST_SUMS}
   */
  static void code(Assembler code, WeightVector type, PanelElement element, int factorStride, int rows) {
    new EightSumCode(code, type, element, factorStride, rows).emit();
  }

  /** Bytes of a row of weights that pass together. */
  private int rowBytes() {
    return vectors * type.bytes();
  }

  /**
   * R14 becomes the bytes between rows of sums, R12 what is asked for, R13 the bytes from there to what a row later is asked for, R15 those that
   * are passed over from one group of columns to the next, RBX the columns that whole groups leave over.
   */
  private void emit() {
    code.push(KEPT);
    DotCode.takeApart(code, RBX);
    code.mov(R14, RDX);
    code.shr(R14, Integer.SIZE);
    code.shl(RDX, Integer.SIZE);
    code.shr(RDX, Integer.SIZE);
    code.mov(R12, RSI);
    code.imul(R12, RDX);
    code.mov(R15, -1L);
    code.imul(R15, R12);
    code.add(R15, rowBytes());
    code.add(R12, RDI);
    code.mov(R13, RSI);
    code.test(RBX, RBX);
    int gaps = code.jz();
    code.mov(R13, rowBytes());
    code.mov(R15, 0);
    code.land(gaps);
    int tables = isPair() ? code.leaAhead(R10) : 0;
    if (isPair()) {
      code.vmovups(FIRST_HALVES, Address.at(R10, 0));
      code.vmovups(SECOND_HALVES, Address.at(R10, VECTOR_BYTES));
    }
    masks();
    code.mov(RBX, R8);
    code.and(RBX, vectors * LANES - 1);
    code.shr(R8, Integer.numberOfTrailingZeros(vectors * LANES));
    int few = code.jz();
    int next = code.here();
    group(false);
    code.add(RDI, rowBytes());
    code.add(R9, vectors * VECTOR_BYTES);
    code.add(R12, R15);
    code.dec(R8);
    code.jnz(next);
    code.land(few);
    code.test(RBX, RBX);
    int whole = code.jz();
    group(true);
    code.land(whole);
    code.pop(KEPT);
    code.vzeroupper();
    code.ret();
    if (isPair()) {
      code.land(tables);
      code.put(halves(0));
      code.put(halves(LANES / 2));
    }
  }

  private boolean isPair() {
    return element == PanelElement.PAIR;
  }

  /** Of vectors of sums; behind them, of vectors of twice as many weights of bf16. */
  private void masks() {
    if (isPair()) {
      ColumnLoop.masks(code, vectors / 2, 2 * LANES, 1 + vectors);
    }
    ColumnLoop.masks(code, vectors, LANES, 1);
  }

  /** Of two vectors whose quarters took turns, 16 columns from column {@code 2 first} on: numbers of their elements, for {@code vpermt2ps}. */
  private static byte[] halves(int first) {
    byte[] table = new byte[VECTOR_BYTES];
    for (int i = 0; i < LANES; i++) {
      int other = i / QUARTER % 2;
      table[Integer.BYTES * i] = (byte) (first + i / (2 * QUARTER) * QUARTER + i % QUARTER + other * LANES);
    }
    return table;
  }

  /** All rows of weights by the sums of a few columns. */
  private void group(boolean isRest) {
    for (int sum = 0; sum < rows * vectors; sum++) {
      code.vpxord(sum);
    }
    code.mov(R10, RDI);
    code.mov(R11, RCX);
    code.mov(RAX, RDX);
    if (isPair()) {
      code.shr(RAX, 1);
      int none = code.jz();
      elements(isRest);
      code.land(none);
      code.mov(RAX, RDX);
      code.and(RAX, 1);
      int even = code.jz();
      element(isRest, 1);
      code.land(even);
    } else {
      elements(isRest);
    }
    add(isRest);
  }

  /** RAX of them. */
  private void elements(boolean isRest) {
    int next = code.here();
    element(isRest, element.columns());
    code.dec(RAX);
    code.jnz(next);
  }

  /** @param inputs rows of weights that meet an element of the factors */
  private void element(boolean isRest, int inputs) {
    if (isPair()) {
      loadPairs(isRest, inputs);
    } else {
      for (int v = 0; v < vectors; v++) {
        type.load(code, WEIGHT + v, isRest ? 1 + v : 0, Address.at(R10, v * type.bytes()));
      }
    }
    int lines = rowBytes() / LINE_BYTES;
    Requests requests = isRest
        ? Requests.NONE
        : new Requests(inputs * lines, rows, i -> code.prefetcht1(requested(i / lines).plus(i % lines * LINE_BYTES)));
    for (int r = 0; r < rows; r++) {
      int factor = FACTOR + r % FACTORS;
      requests.turn(r);
      element.broadcast(code, factor, Address.at(R11, r * factorStride));
      for (int v = 0; v < vectors; v++) {
        element.multiply(code, r * vectors + v, factor, WEIGHT + v);
      }
    }
    for (int i = 0; i < inputs; i++) {
      code.add(R10, RSI);
      code.add(R12, R13);
    }
    code.add(R11, PanelElement.BYTES);
  }

  private static Address requested(int row) {
    return row == 0 ? Address.at(R12, 0) : Address.at(R12, R13, 1);
  }

  /** Neighbouring rows, which take turns by quarters of vectors; behind a single one there are zeros. */
  private void loadPairs(boolean isRest, int inputs) {
    for (int v = 0; v < vectors; v += 2) {
      int one = ONE + v / 2;
      int other = OTHER + v / 2;
      int mask = isRest ? 1 + vectors + v / 2 : 0;
      int at = v * type.bytes();
      code.vmovdqu16(one, mask, Address.at(R10, at));
      if (inputs > 1) {
        code.vmovdqu16(other, mask, Address.at(R10, RSI, 1).plus(at));
      } else {
        code.vpxord(other);
      }
      code.vpunpcklwd(WEIGHT + v, one, other);
      code.vpunpckhwd(WEIGHT + v + 1, one, other);
    }
  }

  /** Sums of the block to those that there are: so errors of rounding stay small. */
  private void add(boolean isRest) {
    code.mov(RAX, R9);
    for (int r = 0; r < rows; r++) {
      for (int v = 0; v < vectors; v++) {
        int sum = r * vectors + v;
        int mask = isRest ? 1 + v : 0;
        Address result = Address.at(RAX, v * VECTOR_BYTES);
        if (isPair()) {
          int even = sum & -2;
          code.vmovaps(ROOM + 1, even);
          code.vpermt2ps(ROOM + 1, sum == even ? FIRST_HALVES : SECOND_HALVES, even + 1);
          sum = ROOM + 1;
        }
        code.vmovups(ROOM, mask, result);
        code.vaddps(ROOM, ROOM, sum);
        code.vmovups(result, mask, ROOM);
      }
      code.add(RAX, R14);
    }
  }
}
