package kumiko.runtime.machine;

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
 * Rows of weights as float32: RDI weights, RSI bytes from one row of weights to the next, RDX rows, RCX where they go, R8 columns, R9 lower
 * half: bytes from one row there to the next, upper half: bytes from the beginning of a row of weights to its first column.
 */
final class WidenCode {
  private static final int VECTOR_BYTES = Float.BYTES * WeightVector.LANES;
  private static final int WEIGHT = 16;
  private static final int SCALE = 15;
  private static final int HALF_LONG = 32;

  private WidenCode() {}

  static byte[] code(WeightVector type) {
    Assembler code = new Assembler();
    code.mov(RAX, R8);
    code.and(RAX, WeightVector.LANES - 1);
    code.mov(R10, -1L);
    code.bzhi(R10, R10, RAX);
    code.kmovw(1, R10);
    int nextRow = begin(code, Integer.numberOfTrailingZeros(WeightVector.LANES));
    if (type == WeightVector.I8_ROWS) {
      code.vbroadcastss(SCALE, Address.at(RDI, -Float.BYTES));
    }
    int few = code.jz();
    int next = code.here();
    vector(code, type, 0);
    code.add(R10, type.bytes());
    code.add(R11, VECTOR_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, WeightVector.LANES - 1);
    int whole = code.jz();
    vector(code, type, 1);
    code.land(whole);
    return end(code, nextRow);
  }

  private static void vector(Assembler code, WeightVector type, int mask) {
    type.load(code, WEIGHT, mask, Address.at(R10, 0));
    if (type == WeightVector.I8_ROWS) {
      code.vmulps(WEIGHT, WEIGHT, SCALE);
    }
    code.vmovups(Address.at(R11, 0), mask, WEIGHT);
  }

  /** Whole blocks. */
  static byte[] code(WeightBlock type) {
    Assembler code = new Assembler();
    type.prepare(code);
    int nextRow = begin(code, Integer.numberOfTrailingZeros(2 * WeightVector.LANES));
    int none = code.jz();
    int next = code.here();
    type.load(code, WEIGHT, Address.at(R10, 0));
    type.scale(code, SCALE, Address.at(R10, 0));
    for (int half = 0; half < 2; half++) {
      code.vmulps(WEIGHT + half, WEIGHT + half, SCALE);
      code.vmovups(Address.at(R11, half * VECTOR_BYTES), WEIGHT + half);
    }
    code.add(R10, type.bytes());
    code.add(R11, 2 * VECTOR_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(none);
    return end(code, nextRow);
  }

  /** Where a row begins: R10 its weights, R11 where they go, RAX columns less {@code bits} bits, and the flags say whether that is zero. */
  private static int begin(Assembler code, int bits) {
    int nextRow = code.here();
    code.mov(R10, R9);
    code.shr(R10, HALF_LONG);
    code.add(R10, RDI);
    code.mov(R11, RCX);
    code.mov(RAX, R8);
    code.shr(RAX, bits);
    return nextRow;
  }

  private static byte[] end(Assembler code, int nextRow) {
    code.add(RDI, RSI);
    code.mov(RAX, R9);
    code.shl(RAX, HALF_LONG);
    code.shr(RAX, HALF_LONG);
    code.add(RCX, RAX);
    code.dec(RDX);
    code.jnz(nextRow);
    code.vzeroupper();
    code.ret();
    return code.toBytes();
  }
}
