package kumiko.runtime.machine;

import static kumiko.runtime.machine.Encoder.NO_REGISTER;
import static kumiko.runtime.machine.Opcode.M0F;
import static kumiko.runtime.machine.Opcode.M0F38;
import static kumiko.runtime.machine.Opcode.M0F3A;
import static kumiko.runtime.machine.Opcode.NONE;
import static kumiko.runtime.machine.Opcode.P66;
import static kumiko.runtime.machine.Opcode.PF2;
import static kumiko.runtime.machine.Opcode.PF3;

import kumiko.runtime.machine.Encoder.Outside;

/**
 * The instructions of x86-64 that the kernels are made of, one method each, named as in the manual. Operands stand in the manual's
 * order: the target first. Vector registers are 0 to 31 and all of 512 bits, masks 1 to 7, tiles 0 to 7.
 */
final class Assembler {
  private static final int VECTOR_BYTES = 64;

  private final Encoder code = new Encoder();

  /** Where the next instruction will stand. */
  int here() {
    return code.size();
  }

  byte[] toBytes() {
    return code.toBytes();
  }

  // --- general registers

  /** 64 bits. */
  void mov(Register target, Register source) {
    code.general(0x89, source.number(), target.number());
  }

  /** 64 bits. */
  void mov(Register target, Address source) {
    code.general(0x8b, target.number(), source);
  }

  /** The lower 32 bits; the upper become zero. */
  void mov(Register target, int value) {
    if (target.number() >= 8) {
      code.put(0x41);
    }
    code.put(0xb8 | (target.number() & 7));
    code.putInt(value);
  }

  void lea(Register target, Address source) {
    code.general(0x8d, target.number(), source);
  }

  void add(Register target, Register source) {
    code.general(0x01, source.number(), target.number());
  }

  void add(Register target, int value) {
    if ((byte) value == value) {
      code.general(0x83, 0, target.number());
      code.put(value);
    } else if (target == Register.RAX) {
      code.put(0x48, 0x05);
      code.putInt(value);
    } else {
      code.general(0x81, 0, target.number());
      code.putInt(value);
    }
  }

  void shl(Register target, int bits) {
    code.general(0xc1, 4, target.number());
    code.put(bits);
  }

  void shr(Register target, int bits) {
    code.general(0xc1, 5, target.number());
    code.put(bits);
  }

  void dec(Register target) {
    code.general(0xff, 1, target.number());
  }

  void test(Register a, Register b) {
    code.general(0x85, b.number(), a.number());
  }

  /** Back to {@code target}, a place that {@link #here} gave. */
  void jnz(int target) {
    int near = target - (here() + 2);
    if ((byte) near == near) {
      code.put(0x75, near);
    } else {
      code.put(0x0f, 0x85);
      code.putInt(target - (here() + 4));
    }
  }

  /** Forward to where {@link #land} will be called with what this returns. */
  int jz() {
    code.put(0x0f, 0x84);
    code.putInt(0);
    return here() - 4;
  }

  void land(int jump) {
    code.patch(jump, here());
  }

  void ret() {
    code.put(0xc3);
  }

  // --- masks

  /** The lower 16 bits. */
  void kmovw(int mask, Register source) {
    code.vex(new Opcode(NONE, M0F, 0, 0x92), mask, NO_REGISTER, source.number());
  }

  /** The lower 32 bits. */
  void kmovd(int mask, Register source) {
    code.vex(new Opcode(PF2, M0F, 0, 0x92), mask, NO_REGISTER, source.number());
  }

  // --- vectors

  void vmovups(int target, Address source) {
    vmovups(target, 0, source);
  }

  /** Elements outside of the mask are not read and become zero. */
  void vmovups(int target, int mask, Address source) {
    Outside outside = mask == 0 ? Outside.STAYS : Outside.ZERO;
    code.evex(new Opcode(NONE, M0F, 0, 0x10), target, NO_REGISTER, source, VECTOR_BYTES, mask, outside);
  }

  void vmovups(Address target, int source) {
    vmovups(target, 0, source);
  }

  /** Elements outside of the mask are not written. */
  void vmovups(Address target, int mask, int source) {
    code.evex(new Opcode(NONE, M0F, 0, 0x11), source, NO_REGISTER, target, VECTOR_BYTES, mask, Outside.STAYS);
  }

  /** 32 bits into every 32. */
  void vpbroadcastd(int target, Address source) {
    code.evex(new Opcode(P66, M0F38, 0, 0x58), target, NO_REGISTER, source, 4, 0, Outside.STAYS);
  }

  /** 16 bits into every 16 of the mask, zero into the others. */
  void vpbroadcastw(int target, int mask, Address source) {
    code.evex(new Opcode(P66, M0F38, 0, 0x79), target, NO_REGISTER, source, 2, mask, Outside.ZERO);
  }

  /** float32 {@code target += } products of pairs of bf16: {@code fma(a0, b0, fma(a1, b1, target))}, subnormal numbers being zero. */
  void vdpbf16ps(int target, int a, int b) {
    code.evex(new Opcode(PF3, M0F38, 0, 0x52), target, a, b);
  }

  /** Rounds 16 float32 of each source to bf16, to nearest even: those of {@code low} into the lower half of the target. */
  void vcvtne2ps2bf16(int target, int high, int low) {
    code.evex(new Opcode(PF2, M0F38, 0, 0x72), target, high, low);
  }

  void vaddps(int target, int a, int b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x58), target, a, b);
  }

  /** In each 128 bits the lower two 32-bit elements of both, taking turns. */
  void vpunpckldq(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F, 0, 0x62), target, a, b);
  }

  /** In each 128 bits the upper two 32-bit elements of both, taking turns. */
  void vpunpckhdq(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F, 0, 0x6a), target, a, b);
  }

  /** In each 128 bits the lower 64 of both. */
  void vpunpcklqdq(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F, 1, 0x6c), target, a, b);
  }

  /** In each 128 bits the upper 64 of both. */
  void vpunpckhqdq(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F, 1, 0x6d), target, a, b);
  }

  /** Two quarters of {@code a}, then two of {@code b}, by two bits of {@code which} each. */
  void vshufi32x4(int target, int a, int b, int which) {
    code.evex(new Opcode(P66, M0F3A, 0, 0x43), target, a, b);
    code.put(which);
  }

  /** Leaves the vector registers as code without AVX expects them. */
  void vzeroupper() {
    code.put(0xc5, 0xf8, 0x77);
  }

  // --- tiles

  /** Rows and bytes a row of every tile, from 64 bytes of memory. */
  void ldtilecfg(Address source) {
    code.vex(new Opcode(NONE, M0F38, 0, 0x49), 0, source);
  }

  /** Rows from {@code base + displacement}, as far apart as the index register says. */
  void tileloadd(int tile, Address source) {
    code.vex(new Opcode(PF2, M0F38, 0, 0x4b), tile, source);
  }

  void tilestored(Address target, int tile) {
    code.vex(new Opcode(PF3, M0F38, 0, 0x4b), tile, target);
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
