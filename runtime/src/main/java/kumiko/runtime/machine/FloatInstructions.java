package kumiko.runtime.machine;

import static kumiko.runtime.machine.Encoder.NO_REGISTER;
import static kumiko.runtime.machine.Opcode.M0F;
import static kumiko.runtime.machine.Opcode.M0F38;
import static kumiko.runtime.machine.Opcode.M0F3A;
import static kumiko.runtime.machine.Opcode.NONE;
import static kumiko.runtime.machine.Opcode.P66;

import kumiko.runtime.machine.Encoder.Outside;

/** What functions of vectors of float32 need beyond products and sums. */
abstract class FloatInstructions extends VectorInstructions {
  /** How {@link #vpcmpd} compares signed numbers. */
  enum Comparison {
    LESS(1),
    NOT_LESS(5);

    private final int code;

    Comparison(int code) {
      this.code = code;
    }
  }

  private static final int VECTOR_BYTES = 64;

  void vmovaps(int target, int source) {
    code.evex(new Opcode(NONE, M0F, 0, 0x28), target, NO_REGISTER, source);
  }

  /** The greater ones; {@code b} where one of the two is not a number. */
  void vmaxps(int target, int a, int b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x5f), target, a, b);
  }

  /** The lesser ones; {@code b} where one of the two is not a number. */
  void vminps(int target, int a, int b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x5d), target, a, b);
  }

  /** {@code target = target * a + b}, rounded once. */
  void vfmadd213ps(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F38, 0, 0xa8), target, a, b);
  }

  /** Elements outside of the mask are not read and stay. */
  void vmulpsWithin(int mask, int target, int a, Address b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x59), target, a, b, VECTOR_BYTES, mask, Outside.STAYS);
  }

  /** 32-bit numbers. */
  void vpaddd(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F, 0, 0xfe), target, a, b);
  }

  /** Where {@code a} compares so to {@code b}, among those that mask {@code within} has; 0 stands for all. */
  void vpcmpd(int mask, int within, int a, int b, Comparison comparison) {
    code.evex(new Opcode(P66, M0F3A, 0, 0x1f), mask, a, b, within);
    code.put(comparison.code);
  }
}
