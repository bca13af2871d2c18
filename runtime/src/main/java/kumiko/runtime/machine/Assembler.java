package kumiko.runtime.machine;

import static kumiko.runtime.machine.Encoder.NO_REGISTER;
import static kumiko.runtime.machine.Opcode.M0F38;
import static kumiko.runtime.machine.Opcode.NONE;
import static kumiko.runtime.machine.Opcode.P66;
import static kumiko.runtime.machine.Opcode.PF2;
import static kumiko.runtime.machine.Opcode.PF3;

/**
 * The instructions of x86-64 that the kernels are made of, one method each, named as in the manual. Operands stand in the manual's
 * order: the target first. To the others it adds those on tiles, 0 to 7.
 */
class Assembler extends FloatInstructions {
  /** Vectors that a routine can use. */
  static final int VECTORS = 32;

  /** Of those so many, the first ones, are in registers. */
  int vectors() {
    return VECTORS;
  }

  /** Rows and bytes a row of every tile, from 64 bytes of memory. */
  void ldtilecfg(Address source) {
    code.vex(new Opcode(NONE, M0F38, 0, 0x49), 0, NO_REGISTER, source);
  }

  /** Rows from {@code base + displacement}, as far apart as the index register says. */
  void tileloadd(int tile, Address source) {
    code.vex(new Opcode(PF2, M0F38, 0, 0x4b), tile, NO_REGISTER, source);
  }

  /** {@link #tileloadd} of what is not needed again soon: it takes no room in the nearest cache from what is. */
  void tileloaddt1(int tile, Address source) {
    code.vex(new Opcode(P66, M0F38, 0, 0x4b), tile, NO_REGISTER, source);
  }

  void tilezero(int tile) {
    code.vex(new Opcode(PF2, M0F38, 0, 0x49), tile, NO_REGISTER, 0);
  }

  void tilestored(Address target, int tile) {
    code.vex(new Opcode(PF3, M0F38, 0, 0x4b), tile, NO_REGISTER, target);
  }

  /** float32 {@code target[m, n] += } sum over k of bf16 {@code a[m, 2k] * b[k, 2n] + a[m, 2k + 1] * b[k, 2n + 1]}. */
  void tdpbf16ps(int target, int a, int b) {
    code.vex(new Opcode(PF3, M0F38, 0, 0x5c), target, b, a);
  }

  /** Gives the tiles back: a thread switch need not save them any more. */
  void tilerelease() {
    code.vex(new Opcode(NONE, M0F38, 0, 0x49), 0, NO_REGISTER, 0);
  }
}
