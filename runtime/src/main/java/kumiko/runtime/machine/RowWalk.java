package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import java.util.function.IntConsumer;

/** The way along rows of float32 that are met element by element. */
final class RowWalk {
  private static final int VECTOR_BYTES = Float.BYTES * WeightVector.LANES;

  private RowWalk() {}

  /**
   * The body for each vector of RDX elements. RDI, RSI and RCX walk along; RDX, R10, R11 and mask 1 are used.
   *
   * @param body emits what is done with a vector; its mask has the elements that there are, and is 0 where there are all
   */
  static void emit(Assembler code, IntConsumer body) {
    code.mov(R11, RDX);
    code.and(R11, WeightVector.LANES - 1);
    code.mov(R10, -1L);
    code.bzhi(R10, R10, R11);
    code.kmovw(1, R10);
    code.mov(R11, RDX);
    code.shr(R11, Integer.numberOfTrailingZeros(WeightVector.LANES));
    int few = code.jz();
    int next = code.here();
    body.accept(0);
    code.add(RDI, VECTOR_BYTES);
    code.add(RSI, VECTOR_BYTES);
    code.add(RCX, VECTOR_BYTES);
    code.dec(R11);
    code.jnz(next);
    code.land(few);
    code.and(RDX, WeightVector.LANES - 1);
    int whole = code.jz();
    body.accept(1);
    code.land(whole);
  }
}
