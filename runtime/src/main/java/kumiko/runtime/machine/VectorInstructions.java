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

/** The instructions on vector registers, 0 to 31 and all of 512 bits where nothing else is said, and on masks, 1 to 7. */
abstract class VectorInstructions extends WholeNumberInstructions {
  /** The lower 16 bits. */
  void kmovw(int mask, Register source) {
    code.vex(new Opcode(NONE, M0F, 0, 0x92), mask, NO_REGISTER, source.number());
  }

  /** The lower 32 bits. */
  void kmovd(int mask, Register source) {
    code.vex(new Opcode(PF2, M0F, 0, 0x92), mask, NO_REGISTER, source.number());
  }

  void vmovups(int target, int source) {
    code.evex(new Opcode(NONE, M0F, 0, 0x10), target, NO_REGISTER, source);
  }

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

  /** Past the caches, at a multiple of 64; other processors see it after {@link #sfence}. */
  void vmovntps(Address target, int source) {
    code.evex(new Opcode(NONE, M0F, 0, 0x2b), source, NO_REGISTER, target, VECTOR_BYTES, 0, Outside.STAYS);
  }

  /** Elements outside of the mask are not written. */
  void vmovups(Address target, int mask, int source) {
    code.evex(new Opcode(NONE, M0F, 0, 0x11), source, NO_REGISTER, target, VECTOR_BYTES, mask, Outside.STAYS);
  }

  /** Elements of 16 bits; those outside of the mask are not read and become zero. */
  void vmovdqu16(int target, int mask, Address source) {
    masked(new Opcode(PF2, M0F, 1, 0x6f), target, mask, source, VECTOR_BYTES);
  }

  /** One float32 into every one. */
  void vbroadcastss(int target, Address source) {
    code.evex(new Opcode(P66, M0F38, 0, 0x18), target, NO_REGISTER, source, 4, 0, Outside.STAYS);
  }

  /** 32 bits of a general register into every 32. */
  void vpbroadcastd(int target, Register source) {
    code.evex(new Opcode(P66, M0F38, 0, 0x7c), target, NO_REGISTER, source.number());
  }

  /** 64 bits into the lower half of 128. */
  void vmovq(int target, Register source) {
    code.vex(new Opcode(P66, M0F, 1, 0x6e), target, NO_REGISTER, source.number());
  }

  /** {@code a} with 64 bits in its upper half; registers 0 to 15. */
  void vpinsrq(int target, int a, Register source) {
    code.vex(new Opcode(P66, M0F3A, 1, 0x22), target, a, source.number());
    code.put(1);
  }

  /** 16 of 16 bits to 32, with zeros. */
  void vpmovzxwd(int target, int mask, Address source) {
    masked(new Opcode(P66, M0F38, 0, 0x33), target, mask, source, 32);
  }

  /** 16 of 8 bits to 32, with the sign. */
  void vpmovsxbd(int target, int mask, Address source) {
    masked(new Opcode(P66, M0F38, 0, 0x21), target, mask, source, 16);
  }

  /** 16 of 8 bits to 32, with the sign. */
  void vpmovsxbd(int target, int source) {
    code.evex(new Opcode(P66, M0F38, 0, 0x21), target, NO_REGISTER, source);
  }

  /** Eight of 32 bits, of the lower half, to 64, with zeros. */
  void vpmovzxdq(int target, int source) {
    code.evex(new Opcode(P66, M0F38, 0, 0x35), target, NO_REGISTER, source);
  }

  /** 16 float16 to float32. */
  void vcvtph2ps(int target, int mask, Address source) {
    masked(new Opcode(P66, M0F38, 0, 0x13), target, mask, source, 32);
  }

  /** Signed numbers of 32 bits to float32. */
  void vcvtdq2ps(int target, int source) {
    code.evex(new Opcode(NONE, M0F, 0, 0x5b), target, NO_REGISTER, source);
  }

  /** float32 to signed numbers of 32 bits, to nearest even; -2^31 for what has none. */
  void vcvtps2dq(int target, int source) {
    code.evex(new Opcode(P66, M0F, 0, 0x5b), target, NO_REGISTER, source);
  }

  /** Elements outside of the mask become zero; a mask of 0 stands for all. */
  private void masked(Opcode op, int target, int mask, Address source, int unit) {
    code.evex(op, target, NO_REGISTER, source, unit, mask, mask == 0 ? Outside.STAYS : Outside.ZERO);
  }

  /** Every element of {@code target} is the one of {@code table} that the lower four bits of {@code index} name. */
  void vpermps(int target, int index, int table) {
    code.evex(new Opcode(P66, M0F38, 0, 0x16), target, index, table);
  }

  void vpshufd(int target, int source, int which) {
    code.evex(new Opcode(P66, M0F, 0, 0x70), target, NO_REGISTER, source);
    code.put(which);
  }

  /** {@code target += a * b}, rounded once. */
  void vfmadd231ps(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F38, 0, 0xb8), target, a, b);
  }

  /** {@code target += a * b}, rounded once. */
  void vfmadd231ps(int target, int a, Address b) {
    code.evex(new Opcode(P66, M0F38, 0, 0xb8), target, a, b, VECTOR_BYTES, 0, Outside.STAYS);
  }

  /** {@code target += a * b} with one float32 of {@code b} for all, rounded once. */
  void vfmadd231psEach(int target, int a, Address b) {
    code.evexEach(new Opcode(P66, M0F38, 0, 0xb8), target, a, b);
  }

  void vmulps(int target, int a, int b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x59), target, a, b);
  }

  void vmulps(int target, int a, Address b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x59), target, a, b, VECTOR_BYTES, 0, Outside.STAYS);
  }

  /** With one float32 of {@code b} for all. */
  void vmulpsEach(int target, int a, Address b) {
    code.evexEach(new Opcode(NONE, M0F, 0, 0x59), target, a, b);
  }

  void vsubps(int target, int a, int b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x5c), target, a, b);
  }

  /** The lowest float32; registers 0 to 15. */
  void vaddss(int target, int a, Address b) {
    code.vex(new Opcode(PF3, M0F, 0, 0x58), target, a, b);
  }

  /** The lowest float32; registers 0 to 15. */
  void vmulss(int target, int a, Address b) {
    code.vex(new Opcode(PF3, M0F, 0, 0x59), target, a, b);
  }

  /** The lowest float32; registers 0 to 15. */
  void vmovss(Address target, int source) {
    code.vex(new Opcode(PF3, M0F, 0, 0x11), source, NO_REGISTER, target);
  }

  /** 32 bits into every 32. */
  void vpbroadcastd(int target, Address source) {
    code.evex(new Opcode(P66, M0F38, 0, 0x58), target, NO_REGISTER, source, 4, 0, Outside.STAYS);
  }

  /** 16 bits into every 16 of the mask, zero into the others. */
  void vpbroadcastw(int target, int mask, Address source) {
    masked(new Opcode(P66, M0F38, 0, 0x79), target, mask, source, 2);
  }

  /** float32 {@code target += } products of pairs of bf16: {@code fma(a0, b0, fma(a1, b1, target))}, subnormal numbers being zero. */
  void vdpbf16ps(int target, int a, int b) {
    code.evex(new Opcode(PF3, M0F38, 0, 0x52), target, a, b);
  }

  /** The same. */
  void vdpbf16ps(int target, int a, Address b) {
    code.evex(new Opcode(PF3, M0F38, 0, 0x52), target, a, b, VECTOR_BYTES, 0, Outside.STAYS);
  }

  /** Rounds 16 float32 of each source to bf16, to nearest even: those of {@code low} into the lower half of the target. */
  void vcvtne2ps2bf16(int target, int high, int low) {
    code.evex(new Opcode(PF2, M0F38, 0, 0x72), target, high, low);
  }

  void vaddps(int target, int a, int b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x58), target, a, b);
  }

  void vaddps(int target, int a, Address b) {
    code.evex(new Opcode(NONE, M0F, 0, 0x58), target, a, b, VECTOR_BYTES, 0, Outside.STAYS);
  }

  /** In each 128 bits the lower four 16-bit elements of both, taking turns. */
  void vpunpcklwd(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F, 0, 0x61), target, a, b);
  }

  /** In each 128 bits the upper four 16-bit elements of both, taking turns. */
  void vpunpckhwd(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F, 0, 0x69), target, a, b);
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
}
