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
 * Rows of weights as float32 or, rounded to nearest even, as bf16: RDI weights, RSI bytes from one row of weights to the next, RDX rows, RCX where they go, R8 columns, R9 lower
 * half: bytes from one row there to the next, upper half: bytes from the beginning of a row of weights to its first column. Rows of bf16 are written in vectors: zeros fill up the last.
 */
final class WidenCode {
  private static final int VECTOR_BYTES = Float.BYTES * WeightVector.LANES;
  private static final int WEIGHT = 0;
  private static final int SCALE = 2;
  private static final int HALF_LONG = 32;

  private WidenCode() {}

  static void code(Assembler code, WeightVector type, PanelElement to) {
    int group = to.columns() * WeightVector.LANES;
    code.mov(RAX, R8);
    code.and(RAX, group - 1);
    code.mov(R10, -1L);
    code.bzhi(R10, R10, RAX);
    for (int v = 0; v < to.columns(); v++) {
      code.kmovw(1 + v, R10);
      code.shr(R10, WeightVector.LANES);
    }
    int nextRow = begin(code, Integer.numberOfTrailingZeros(group));
    if (type == WeightVector.I8_ROWS) {
      code.vbroadcastss(SCALE, Address.at(RDI, -Float.BYTES));
    }
    int few = code.jz();
    int next = code.here();
    group(code, type, to, 0);
    code.add(R10, to.columns() * type.bytes());
    code.add(R11, VECTOR_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, group - 1);
    int whole = code.jz();
    group(code, type, to, 1);
    code.land(whole);
    end(code, nextRow);
  }

  private static void group(Assembler code, WeightVector type, PanelElement to, int firstMask) {
    for (int v = 0; v < to.columns(); v++) {
      type.load(code, WEIGHT + v, firstMask == 0 ? 0 : firstMask + v, Address.at(R10, v * type.bytes()));
      if (type == WeightVector.I8_ROWS) {
        code.vmulps(WEIGHT + v, WEIGHT + v, SCALE);
      }
    }
    if (to == PanelElement.PAIR) {
      code.vcvtne2ps2bf16(WEIGHT, WEIGHT + 1, WEIGHT);
      code.vmovups(Address.at(R11, 0), WEIGHT);
    } else {
      code.vmovups(Address.at(R11, 0), firstMask, WEIGHT);
    }
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

  private static void end(Assembler code, int nextRow) {
    code.add(RDI, RSI);
    code.mov(RAX, R9);
    code.shl(RAX, HALF_LONG);
    code.shr(RAX, HALF_LONG);
    code.add(RCX, RAX);
    code.dec(RDX);
    code.jnz(nextRow);
    code.vzeroupper();
    code.ret();
  }
}
