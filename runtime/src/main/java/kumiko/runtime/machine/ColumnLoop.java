package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R13;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;

/** The way along the R8 columns of weights at RDI and of what they meet at RCX: R10 and R11 walk, RAX counts. */
final class ColumnLoop {
  private ColumnLoop() {}

  /**
   * @param group columns, a power of two
   * @param pages asks in the turns of whole groups
   * @param whole meets those of a group at R10 and R11, and walks on
   * @param rest meets what is left at R10 and R11; RAX tells how many columns, at least 1
   */
  static void emit(Assembler code, int group, Pages pages, Runnable whole, Runnable rest) {
    begin(code);
    code.mov(RAX, R8);
    pages.begin(code);
    walk(code, group, pages, whole, rest);
  }

  /**
   * The same where what the weights meet lies in pieces; R13 counts those.
   *
   * @param piece columns of a piece, a power of two
   * @param gap bytes between the columns of a piece and those of the next
   */
  static void emitPieces(Assembler code, int group, int piece, int gap, Pages pages, Runnable whole, Runnable rest) {
    begin(code);
    pages.begin(code);
    code.mov(R13, R8);
    code.shr(R13, Integer.numberOfTrailingZeros(piece));
    int last = code.jz();
    int nextPiece = code.here();
    code.mov(RAX, piece / group);
    groups(code, pages, whole);
    code.add(R11, gap);
    code.dec(R13);
    code.jnz(nextPiece);
    code.land(last);
    int above = Long.numberOfLeadingZeros(piece - 1);
    code.mov(RAX, R8);
    code.shl(RAX, above);
    code.shr(RAX, above);
    walk(code, group, pages, whole, rest);
  }

  /** Those from 1 on. */
  static void masks(Assembler code, int vectors, int lanes) {
    masks(code, vectors, lanes, 1);
  }

  /** Masks from {@code first} on: which columns there are in as many vectors, of those that whole groups of them leave over; R10 and RAX are used. */
  static void masks(Assembler code, int vectors, int lanes, int first) {
    code.mov(RAX, R8);
    code.and(RAX, vectors * lanes - 1);
    code.mov(R10, -1L);
    code.bzhi(R10, R10, RAX);
    for (int v = 0; v < vectors; v++) {
      if (lanes == WeightVector.LANES) {
        code.kmovw(first + v, R10);
      } else {
        code.kmovd(first + v, R10);
      }
      code.shr(R10, lanes);
    }
  }

  private static void begin(Assembler code) {
    code.mov(R10, RDI);
    code.mov(R11, RCX);
  }

  /** Along RAX columns. */
  private static void walk(Assembler code, int group, Pages pages, Runnable whole, Runnable rest) {
    code.shr(RAX, Integer.numberOfTrailingZeros(group));
    int few = code.jz();
    groups(code, pages, whole);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, group - 1);
    int none = code.jz();
    rest.run();
    code.land(none);
  }

  /** RAX of them. */
  private static void groups(Assembler code, Pages pages, Runnable whole) {
    int next = code.here();
    pages.turn(code);
    whole.run();
    code.dec(RAX);
    code.jnz(next);
  }
}
