package kumiko.runtime.machine;

import static kumiko.runtime.machine.Encoder.NO_REGISTER;
import static kumiko.runtime.machine.Opcode.M0F;
import static kumiko.runtime.machine.Opcode.M0F38;
import static kumiko.runtime.machine.Opcode.M0F3A;
import static kumiko.runtime.machine.Opcode.NONE;
import static kumiko.runtime.machine.Opcode.P66;
import static kumiko.runtime.machine.Opcode.PF3;

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

  /** {@code target = b - target * a}, rounded once. */
  void vfnmadd213ps(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F38, 0, 0xac), target, a, b);
  }

  /** {@code target -= a * b}, rounded once. */
  void vfnmadd231ps(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F38, 0, 0xbc), target, a, b);
  }

  /** {@code target = target * a - b} in even lanes, {@code + b} in odd ones, rounded once. */
  void vfmaddsub213ps(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F38, 0, 0xa6), target, a, b);
  }

  void vdivps(int target, int a, int b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x5e), target, a, b);
  }

  void vsqrtps(int target, int source) {
    code.evex(new Opcode(NONE, M0F, 0, 0x51), target, NO_REGISTER, source);
  }

  /** Every even element also into the odd place behind it. */
  void vmovsldup(int target, int source) {
    code.evex(new Opcode(PF3, M0F, 0, 0x12), target, NO_REGISTER, source);
  }

  /** 8 of 32 bits to 64, with zeros; those outside of the mask are not read and become zero. */
  void vpmovzxdq(int target, int mask, Address source) {
    code.evex(new Opcode(P66, M0F38, 0, 0x35), target, NO_REGISTER, source, 32, mask, Outside.ZERO);
  }

  /** Elements of {@code b} within the mask, of {@code a} outside. */
  void vblendmps(int target, int mask, int a, int b) {
    code.evex(new Opcode(P66, M0F38, 0, 0x65), target, a, b, mask);
  }

  /** Where {@code a < b}; nowhere where one of the two is not a number. */
  void vcmpltps(int mask, int a, int b) {
    code.evex(new Opcode(NONE, M0F, 0, 0xc2), mask, a, b);
    code.put(1);
  }

  /** Where {@code a} is not {@code b}, and where one of the two is not a number. */
  void vcmpneqps(int mask, int a, int b) {
    code.evex(new Opcode(NONE, M0F, 0, 0xc2), mask, a, b);
    code.put(4);
  }

  /** Elements outside of the mask stay. */
  void vsubpsWithin(int mask, int target, int a, int b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x5c), target, a, b, mask);
  }

  /** Elements outside of the mask are not read and stay. */
  void vmulpsWithin(int mask, int target, int a, Address b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x59), target, a, b, VECTOR_BYTES, mask, Outside.STAYS);
  }

  /** Where {@code a} compares so to {@code b}, among those that mask {@code within} has; 0 stands for all. */
  void vpcmpd(int mask, int within, int a, int b, Comparison comparison) {
    code.evex(new Opcode(P66, M0F3A, 0, 0x1f), mask, a, b, within);
    code.put(comparison.code);
  }
}
