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
 * Rows of weights times a float32 each, added to a row of float32: RDI weights, RSI bytes from one row of weights to the next, RDX rows,
 * RCX their factors, R8 columns and in its upper half how many bytes ahead memory is asked for, R9 the sums.
 *
 * <p>Four rows at a time pass by the sums, which stay in the nearest cache: one of each quarter of the rows, so that four places are read in
 * order, or neighbours where {@link Ahead#streams} is 1.
 */
final class SumCode {
  /** Rows that pass together. */
  static final int ROWS = 4;

  private static final int WEIGHT = 1;
  private static final int WEIGHTS = 2;
  private static final int FACTOR = 3;
  private static final int VECTOR_BYTES = Float.BYTES * WeightVector.LANES;
  private static final int LINE_BYTES = 64;
  private static final Register[] KEPT = {RBX, R12, R13, R14, R15};

  private final Assembler code;
  private final WeightVector type;
  private final Ahead ahead;

  /** Vectors of weights in a line, and their columns. */
  private final int vectors;

  private final int columns;

  private SumCode(Assembler code, WeightVector type, Ahead ahead) {
    this.code = code;
    this.type = type;
    this.ahead = ahead;
    vectors = LINE_BYTES / type.bytes();
    columns = vectors * WeightVector.LANES;
  }

  static void code(Assembler code, WeightVector type, Ahead ahead) {
    new SumCode(code, type, ahead).emit();
  }

  /**
   * R14 becomes how far ahead is asked, RBX the bytes between the factors of rows that pass together, R12 those between their weights and R13
   * three times as many.
   */
  private void emit() {
    code.push(KEPT);
    DotCode.takeApart(code, R14);
    ColumnLoop.masks(code, vectors, WeightVector.LANES);
    code.push(RDX);
    code.shr(RDX, Integer.numberOfTrailingZeros(ROWS));
    int few = code.jz();
    boolean isApart = ahead.streams() > 1;
    if (isApart) {
      code.mov(R12, RDX);
      code.imul(R12, RSI);
      code.mov(RBX, RDX);
      code.shl(RBX, Integer.numberOfTrailingZeros(Float.BYTES));
    } else {
      code.mov(R12, RSI);
      code.mov(RBX, Float.BYTES);
    }
    code.lea(R13, Address.at(R12, R12, 2));
    int next = code.here();
    pass(ROWS);
    advance(isApart ? 1 : ROWS);
    code.dec(RDX);
    code.jnz(next);
    if (isApart) {
      code.add(RDI, R13);
      code.lea(RBX, Address.at(RBX, RBX, 2));
      code.add(RCX, RBX);
    }
    code.land(few);
    code.pop(RDX);
    code.and(RDX, ROWS - 1);
    int none = code.jz();
    int nextSingle = code.here();
    pass(1);
    advance(1);
    code.dec(RDX);
    code.jnz(nextSingle);
    code.land(none);
    code.pop(KEPT);
    code.vzeroupper();
    code.ret();
  }

  private void advance(int rows) {
    for (int i = 0; i < rows; i++) {
      code.add(RDI, RSI);
    }
    code.add(RCX, rows * Float.BYTES);
  }

  /** Some rows by all sums: R10 weights, R11 sums, R15 what is asked for. */
  private void pass(int rows) {
    code.lea(RAX, Address.at(RBX, RBX, 2));
    for (int i = 0; i < rows; i++) {
      code.vbroadcastss(FACTOR + i, i == ROWS - 1 ? Address.at(RCX, RAX, 1) : place(RCX, RBX, i));
    }
    code.lea(R15, Address.at(RDI, R14, 1));
    code.mov(R10, RDI);
    code.mov(R11, R9);
    code.mov(RAX, R8);
    code.shr(RAX, Integer.numberOfTrailingZeros(columns));
    int few = code.jz();
    int next = code.here();
    Requests requests = rows == 1 ? Requests.NONE : new Requests(rows, vectors * rows, i -> ahead.soon(code, weights(R15, i)));
    for (int v = 0; v < vectors; v++) {
      vector(rows, v, 0, requests);
    }
    code.add(R10, LINE_BYTES);
    code.add(R15, LINE_BYTES);
    code.add(R11, vectors * VECTOR_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, columns - 1);
    int whole = code.jz();
    for (int v = 0; v < vectors; v++) {
      vector(rows, v, 1 + v, Requests.NONE);
    }
    code.land(whole);
  }

  private void vector(int rows, int vector, int mask, Requests requests) {
    Address sums = Address.at(R11, vector * VECTOR_BYTES);
    code.vmovups(0, mask, sums);
    for (int i = 0; i < rows; i++) {
      int weight = WEIGHT + i % WEIGHTS;
      requests.turn(vector * rows + i);
      type.load(code, weight, mask, weights(R10, i).plus(vector * type.bytes()));
      code.vfmadd231ps(0, weight, FACTOR + i);
    }
    code.vmovups(sums, mask, 0);
  }

  private static Address weights(Register first, int row) {
    return row == ROWS - 1 ? Address.at(first, R13, 1) : place(first, R12, row);
  }

  private static Address place(Register first, Register apart, int index) {
    return index == 0 ? Address.at(first, 0) : Address.at(first, apart, index);
  }
}
