package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;

/** The way along the R8 columns of weights at RDI and of what they meet at RCX: R10 and R11 walk, RAX counts. */
final class ColumnLoop {
  private ColumnLoop() {}

  /**
   * @param group columns, a power of two
   * @param whole meets those of a group at R10 and R11, and walks on
   * @param rest meets what is left at R10 and R11; RAX tells how many columns, at least 1
   */
  static void emit(Assembler code, int group, Runnable whole, Runnable rest) {
    code.mov(R10, RDI);
    code.mov(R11, RCX);
    code.mov(RAX, R8);
    code.shr(RAX, Integer.numberOfTrailingZeros(group));
    int few = code.jz();
    int next = code.here();
    whole.run();
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, group - 1);
    int none = code.jz();
    rest.run();
    code.land(none);
  }
}
