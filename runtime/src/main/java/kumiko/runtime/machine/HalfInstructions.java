package kumiko.runtime.machine;

import static kumiko.runtime.machine.Encoder.NO_REGISTER;
import static kumiko.runtime.machine.Opcode.M0F;
import static kumiko.runtime.machine.Opcode.M0F38;
import static kumiko.runtime.machine.Opcode.M0F3A;
import static kumiko.runtime.machine.Opcode.NONE;
import static kumiko.runtime.machine.Opcode.P66;
import static kumiko.runtime.machine.Opcode.PF2;
import static kumiko.runtime.machine.Opcode.PF3;

/**
 * The instructions of AVX2, FMA and F16C on half a vector, 256 bits, in registers 0 to 15. A routine that uses them uses no whole vectors: a
 * {@link HalvedAssembler} has those in the same registers.
 */
abstract class HalfInstructions extends GeneralInstructions {
  static final Opcode LOAD = new Opcode(NONE, M0F, 0, 0x10);
  static final Opcode STORE = new Opcode(NONE, M0F, 0, 0x11);
  static final Opcode BROADCAST = new Opcode(P66, M0F38, 0, 0x18);
  static final Opcode EITHER_OR = new Opcode(P66, M0F, 0, 0xef);
  static final Opcode MOVE_GENERAL = new Opcode(P66, M0F, 0, 0x6e);
  static final Opcode WIDEN_WORDS = new Opcode(P66, M0F38, 0, 0x33);
  static final Opcode WIDEN_BYTES = new Opcode(P66, M0F38, 0, 0x21);
  static final Opcode FROM_FLOAT16 = new Opcode(P66, M0F38, 0, 0x13);
  static final Opcode FROM_INTEGERS = new Opcode(NONE, M0F, 0, 0x5b);
  static final Opcode SHIFT = new Opcode(P66, M0F, 0, 0x72);
  static final Opcode MULTIPLY = new Opcode(NONE, M0F, 0, 0x59);
  static final Opcode MULTIPLY_ADD = new Opcode(P66, M0F38, 0, 0xb8);
  static final Opcode QUARTERS = new Opcode(P66, M0F3A, 0, 0x06);
  static final Opcode LOWER_OF_BOTH = new Opcode(P66, M0F, 0, 0x62);
  static final Opcode UPPER_OF_BOTH = new Opcode(P66, M0F, 0, 0x6a);
  static final Opcode LOWER_DOUBLES = new Opcode(P66, M0F, 1, 0x6c);
  static final Opcode UPPER_DOUBLES = new Opcode(P66, M0F, 1, 0x6d);
  static final Opcode ADD_NEIGHBOURS = new Opcode(PF2, M0F, 0, 0x7c);
  static final Opcode UPPER_QUARTER = new Opcode(P66, M0F3A, 0, 0x39);
  static final Opcode ADD = new Opcode(NONE, M0F, 0, 0x58);

  /** Zero. */
  void clearHalf(int register) {
    code.vex256(EITHER_OR, register, register, register);
  }

  void loadHalf(int register, Address from) {
    code.vex256(LOAD, register, NO_REGISTER, from);
  }

  /** One float32, and zeros. */
  void loadOne(int register, Address from) {
    code.vex(new Opcode(PF3, M0F, 0, 0x10), register, NO_REGISTER, from);
  }

  /** The lower 32 bits of a general register, and zeros. */
  void loadOne(int register, Register from) {
    code.vex(MOVE_GENERAL, register, NO_REGISTER, from.number());
  }

  /** Eight of 16 bits to 32, with zeros. */
  void widenHalf(int register, Address from) {
    code.vex256(WIDEN_WORDS, register, NO_REGISTER, from);
  }

  /** Eight of 8 bits to 32, with the sign. */
  void widenBytesHalf(int register, Address from) {
    code.vex256(WIDEN_BYTES, register, NO_REGISTER, from);
  }

  /** Eight float16 to float32. */
  void convertHalf(int register, Address from) {
    code.vex256(FROM_FLOAT16, register, NO_REGISTER, from);
  }

  /** A float16 and zeros to float32. */
  void convertOne(int register) {
    code.vex(FROM_FLOAT16, register, NO_REGISTER, register);
  }

  /** Signed numbers of 32 bits to float32. */
  void numbersHalf(int register) {
    code.vex256(FROM_INTEGERS, register, NO_REGISTER, register);
  }

  void shiftLeftHalf(int target, int source, int bits) {
    code.vex256(SHIFT, 6, target, source);
    code.put(bits);
  }

  /** The sign comes in. */
  void shiftRightHalf(int register, int bits) {
    code.vex256(SHIFT, 4, register, register);
    code.put(bits);
  }

  void xorHalf(int target, int a, Address b) {
    code.vex256(EITHER_OR, target, a, b);
  }

  /** The lowest 32 bits into every 32. */
  void broadcastHalf(int target, int source) {
    code.vex256(BROADCAST, target, NO_REGISTER, source);
  }

  /** 32 bits into every 32. */
  void broadcastHalf(int target, Address source) {
    code.vex256(BROADCAST, target, NO_REGISTER, source);
  }

  /** The lowest float32. */
  void storeOne(Address to, int register) {
    code.vex(new Opcode(PF3, M0F, 0, 0x11), register, NO_REGISTER, to);
  }

  void scaleHalf(int register, int other) {
    code.vex256(MULTIPLY, register, register, other);
  }

  void addHalf(int register, int other) {
    code.vex256(ADD, register, register, other);
  }

  /** {@code sum += a * b}, rounded once. */
  void multiplyHalf(int sum, int a, Address b) {
    code.vex256(MULTIPLY_ADD, sum, a, b);
  }

  /** {@code sum += a * b}, rounded once. */
  void multiplyHalf(int sum, int a, int b) {
    code.vex256(MULTIPLY_ADD, sum, a, b);
  }

  /** The lower four. */
  void addQuarter(int register, Address from) {
    code.vex(ADD, register, register, from);
  }

  void storeQuarter(Address to, int register) {
    code.vex(STORE, register, NO_REGISTER, to);
  }

  /** Element i of {@code first} becomes the sum of the elements of register {@code first + i}, i below 4; {@code room} is used. */
  void sumFour(int first, int room) {
    code.vex256(ADD_NEIGHBOURS, first, first, first + 1);
    code.vex256(ADD_NEIGHBOURS, first + 2, first + 2, first + 3);
    code.vex256(ADD_NEIGHBOURS, first, first, first + 2);
    code.vex256(UPPER_QUARTER, first, NO_REGISTER, room);
    code.put(1);
    code.vex(ADD, first, first, room);
  }

  void addHalf(int register, Address from) {
    code.vex256(ADD, register, register, from);
  }

  void storeHalf(Address to, int register) {
    code.vex256(STORE, register, NO_REGISTER, to);
  }

  /** Element j of register {@code from + i} becomes element i of register {@code to + j}, for eight of both; those of {@code from} are used. */
  void turnHalves(int from, int to) {
    for (int i = 0; i < 8; i += 2) {
      code.vex256(LOWER_OF_BOTH, to + i, from + i, from + i + 1);
      code.vex256(UPPER_OF_BOTH, to + i + 1, from + i, from + i + 1);
    }
    for (int i = 0; i < 8; i += 4) {
      for (int j = 0; j < 2; j++) {
        code.vex256(LOWER_DOUBLES, from + i + 2 * j, to + i + j, to + i + j + 2);
        code.vex256(UPPER_DOUBLES, from + i + 2 * j + 1, to + i + j, to + i + j + 2);
      }
    }
    // Register i now has columns i and i + 4 of rows 0 to 3, register i + 4 those of rows 4 to 7.
    for (int i = 0; i < 4; i++) {
      code.vex256(QUARTERS, to + i, from + i, from + i + 4);
      code.put(0x20);
      code.vex256(QUARTERS, to + i + 4, from + i, from + i + 4);
      code.put(0x31);
    }
  }
}
