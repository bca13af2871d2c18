package kumiko.runtime.machine;

import static kumiko.runtime.machine.Opcode.M0F;
import static kumiko.runtime.machine.Opcode.M0F38;
import static kumiko.runtime.machine.Opcode.M0F3A;
import static kumiko.runtime.machine.Opcode.P66;

import kumiko.runtime.machine.Encoder.Outside;

/** The instructions on whole numbers and bits in vector registers, 0 to 31 and all of 512 bits; elements of 32 bits where nothing else is said. */
abstract class WholeNumberInstructions extends HalfInstructions {
  static final int VECTOR_BYTES = 64;

  /** Zero. */
  void vpxord(int target) {
    code.evex(new Opcode(P66, M0F, 0, 0xef), target, target, target);
  }

  void vpxord(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F, 0, 0xef), target, a, b);
  }

  void vpandd(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F, 0, 0xdb), target, a, b);
  }

  void vpaddd(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F, 0, 0xfe), target, a, b);
  }

  void vpsubd(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F, 0, 0xfa), target, a, b);
  }

  /** Of numbers of 32 bits without sign. */
  void vpmaxud(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F38, 0, 0x3f), target, a, b);
  }

  void vpslld(int target, int source, int bits) {
    code.evex(new Opcode(P66, M0F, 0, 0x72), 6, target, source);
    code.put(bits);
  }

  /** Zeros come in. */
  void vpsrld(int target, int source, int bits) {
    code.evex(new Opcode(P66, M0F, 0, 0x72), 2, target, source);
    code.put(bits);
  }

  /** Elements of 16 bits; zeros come in. */
  void vpsrlw(int target, int source, int bits) {
    code.evex(new Opcode(P66, M0F, 0, 0x71), 2, target, source);
    code.put(bits);
  }

  /** {@code target += } four products of bytes: those of {@code a} without, those of {@code b} with sign; modulo 2^32. */
  void vpdpbusd(int target, int a, int b) {
    code.evex(new Opcode(P66, M0F38, 0, 0x50), target, a, b);
  }

  /** The same with four bytes of {@code b} for all. */
  void vpdpbusdEach(int target, int a, Address b) {
    code.evexEach(new Opcode(P66, M0F38, 0, 0x50), target, a, b);
  }

  /** 128 bits, the lowest being 0. */
  void vextracti32x4(Address target, int source, int which) {
    code.evex(new Opcode(P66, M0F3A, 0, 0x39), source, Encoder.NO_REGISTER, target, VECTOR_BYTES / 4, 0, Outside.STAYS);
    code.put(which);
  }

  /** Every 32 bits are those of 32 elements, {@code target}'s and behind them {@code b}'s, that the lower five bits of {@code index} name. */
  void vpermt2ps(int target, int index, int b) {
    code.evex(new Opcode(P66, M0F38, 0, 0x7f), target, index, b);
  }

  /** Every byte is the one of 128, {@code target}'s and behind them {@code b}'s, that the lower seven bits of {@code index} name. */
  void vpermt2b(int target, int index, int b) {
    code.evex(new Opcode(P66, M0F38, 0, 0x7d), target, index, b);
  }

  /** Every 16 bits are those of {@code table} that the lower five bits of {@code index} name. */
  void vpermw(int target, int index, int table) {
    code.evex(new Opcode(P66, M0F38, 1, 0x8d), target, index, table);
  }

  /** Bit by bit {@code truth >> (4 target + 2 a + b) & 1}. */
  void vpternlogd(int target, int a, int b, int truth) {
    code.evex(new Opcode(P66, M0F3A, 0, 0x25), target, a, b);
    code.put(truth);
  }
}
