package kumiko.runtime.machine;

import java.util.Arrays;

/**
 * The bytes of x86-64 instructions: prefixes, operands, displacements (Intel 64 and IA-32 Architectures Software Developer's Manual,
 * volume 2, chapter 2). Registers are numbers; bit 3 and for vectors bit 4 of a number go into a prefix, mostly inverted.
 */
final class Encoder {
  /** Stands where an instruction has no such register: the inverted field is all ones. */
  static final int NO_REGISTER = 0;

  /** Whether elements outside of the mask become zero (register targets) or stay (memory). */
  enum Outside {
    STAYS,
    ZERO
  }

  private static final int SIB = 4;
  private static final int FULL_VECTOR = 2;

  /** The bit of a VEX prefix that says so. */
  private static final int HALF_VECTOR = 4;

  /** The bit next to the mask that says so. */
  private static final int EACH = 0x10;

  private byte[] bytes = new byte[1024];
  private int size;
  private boolean hasEvex;

  int size() {
    return size;
  }

  /** Whether there is an instruction that needs AVX-512. */
  boolean hasEvex() {
    return hasEvex;
  }

  byte[] toBytes() {
    return Arrays.copyOf(bytes, size);
  }

  void put(int... values) {
    for (int value : values) {
      if (size == bytes.length) {
        bytes = Arrays.copyOf(bytes, 2 * size);
      }
      bytes[size++] = (byte) value;
    }
  }

  void putLong(long value) {
    putInt((int) value);
    putInt((int) (value >> 32));
  }

  void putInt(int value) {
    put(value, value >> 8, value >> 16, value >> 24);
  }

  /** Writes the distance from behind the field at {@code place} to {@code target} into that field of four bytes. */
  void patch(int place, int target) {
    int distance = target - (place + 4);
    for (int i = 0; i < 4; i++) {
      bytes[place + i] = (byte) (distance >> (8 * i));
    }
  }

  /** {@code REX.W code /r} between registers. */
  void general(int code, int reg, int rm) {
    put(0x48 | (reg >> 3 << 2) | rm >> 3, code);
    registers(reg, rm);
  }

  /** {@code REX.W 0F code /r} with registers. */
  void generalLong(int code, int reg, int rm) {
    put(0x48 | (reg >> 3 << 2) | rm >> 3, 0x0f, code);
    registers(reg, rm);
  }

  /** {@code REX.W code /r} with memory. */
  void general(int code, int reg, Address memory) {
    put(0x48 | (reg >> 3 << 2) | (high(memory.index()) << 1) | high(memory.base()), code);
    memory(reg, memory, 1);
  }

  /** {@code 0F code /r} with memory. */
  void hint(int code, int reg, Address memory) {
    int prefix = high(memory.index()) << 1 | high(memory.base());
    if (prefix != 0) {
      put(0x40 | prefix);
    }
    put(0x0f, code);
    memory(reg, memory, 1);
  }

  /** {@code code /r} with memory, of the first eight registers. */
  void plain(int code, int reg, Address memory) {
    put(code);
    memory(reg, memory, 1);
  }

  /** VEX with a register as last operand. */
  void vex(Opcode op, int reg, int second, int rm) {
    vexPrefix(op, reg, second, 0, rm >> 3, 0);
    registers(reg, rm);
  }

  /** VEX with memory as last operand. */
  void vex(Opcode op, int reg, int second, Address memory) {
    vexPrefix(op, reg, second, high(memory.index()), high(memory.base()), 0);
    memory(reg, memory, 1);
  }

  /** VEX on 256 bits with a register as last operand. */
  void vex256(Opcode op, int reg, int second, int rm) {
    vexPrefix(op, reg, second, 0, rm >> 3, HALF_VECTOR);
    registers(reg, rm);
  }

  /** VEX on 256 bits with memory as last operand. */
  void vex256(Opcode op, int reg, int second, Address memory) {
    vexPrefix(op, reg, second, high(memory.index()), high(memory.base()), HALF_VECTOR);
    memory(reg, memory, 1);
  }

  private void vexPrefix(Opcode op, int reg, int second, int x, int b, int length) {
    int last = (~second & 15) << 3 | length | op.prefix();
    int notR = (~reg >> 3 & 1) << 7;
    if (op.map() == Opcode.M0F && op.wide() == 0 && x == 0 && b == 0) {
      put(0xc5, notR | last);
    } else {
      put(0xc4, notR | (1 - x) << 6 | (1 - b) << 5 | op.map(), op.wide() << 7 | last);
    }
    put(op.code());
  }

  /** EVEX on 512 bits with a register as last operand, without a mask. */
  void evex(Opcode op, int reg, int second, int rm) {
    evex(op, reg, second, rm, 0);
  }

  /** EVEX on 512 bits with a register as last operand; elements outside of the mask, 0 for none, stay, or are zero where the target is a mask. */
  void evex(Opcode op, int reg, int second, int rm, int mask) {
    evexPrefix(op, reg, second, rm >> 4 & 1, rm >> 3 & 1, mask, Outside.STAYS);
    registers(reg, rm);
  }

  /**
   * EVEX on 512 bits with memory as last operand.
   *
   * @param mask 0 for none
   * @param unit bytes that the instruction reads or writes: a displacement that is a multiple of it is stored divided by it
   */
  void evex(Opcode op, int reg, int second, Address memory, int unit, int mask, Outside outside) {
    evexPrefix(op, reg, second, high(memory.index()), high(memory.base()), mask, outside);
    memory(reg, memory, unit);
  }

  /** EVEX on 512 bits whose last operand is one element of 32 bits in memory, for all lanes. */
  void evexEach(Opcode op, int reg, int second, Address memory) {
    evexPrefix(op, reg, second, high(memory.index()), high(memory.base()), EACH, Outside.STAYS);
    memory(reg, memory, Integer.BYTES);
  }

  private void evexPrefix(Opcode op, int reg, int second, int x, int b, int mask, Outside outside) {
    hasEvex = true;
    put(0x62);
    put((~reg >> 3 & 1) << 7 | (1 - x) << 6 | (1 - b) << 5 | (~reg >> 4 & 1) << 4 | op.map());
    put(op.wide() << 7 | (~second & 15) << 3 | 4 | op.prefix());
    put((outside == Outside.ZERO ? 0x80 : 0) | FULL_VECTOR << 5 | (~second >> 4 & 1) << 3 | mask);
    put(op.code());
  }

  private void registers(int reg, int rm) {
    put(0xc0 | (reg & 7) << 3 | (rm & 7));
  }

  private void memory(int reg, Address memory, int unit) {
    int displacement = memory.displacement();
    int base = memory.base().number() & 7;
    boolean isShort = displacement % unit == 0 && (byte) (displacement / unit) == displacement / unit;
    // What would be RBP without a displacement means something else.
    int mode = displacement == 0 && base != 5 ? 0 : isShort ? 1 : 2;
    if (memory.index() == null && base != SIB) {
      put(mode << 6 | (reg & 7) << 3 | base);
    } else {
      int index = memory.index() == null ? SIB : memory.index().number() & 7;
      put(mode << 6 | (reg & 7) << 3 | SIB, Integer.numberOfTrailingZeros(memory.scale()) << 6 | index << 3 | base);
    }
    if (mode == 1) {
      put(displacement / unit);
    } else if (mode == 2) {
      putInt(displacement);
    }
  }

  private static int high(Register register) {
    return register == null ? 0 : register.number() >> 3;
  }
}
