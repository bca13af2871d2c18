package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import kumiko.runtime.tensor.BlockTile;

/**
 * One row of float32 for {@link BlockDotCode}: RDI float32, RSI groups of blocks, RDX columns behind them, RCX where they go, R8 bytes from a
 * block to the next.
 *
 * <p>A block of 32 becomes two or three digits of every number, bytes from -128 to 127 which count 2^16, 2^8 and 1; then what the excess of
 * the weights adds to the sum of each digit, negative; then the unit of the numbers.
 */
final class BlockPackCode {
  private static final int LANES = WeightVector.LANES;
  private static final int VECTOR_BYTES = 64;

  private static final int MOST_DIGITS = 3;

  /** Blocks whose largest numbers are found together. */
  private static final int BLOCKS = 4;

  private static final int GROUP_BYTES = BLOCKS * BlockTile.COLUMNS * Float.BYTES;

  /** Behind the digits of a block. */
  private static final int QUARTER_BYTES = VECTOR_BYTES / 4;

  private static final int EXPONENT_BIAS = 127;
  private static final int EXPONENT_AT = 23;

  /**
   * How far below the next power of two, in its last bits, a float32 is larger than digits from -128 to 127 can be, which go up to 127 (2^16
   * + 2^8 + 1).
   */
  private static final int BEYOND_DIGITS = 0x1_0102;

  /** Registers: numbers from 0, then what is found in them, then constants. */
  private static final int LARGEST = 8;

  private static final int TURNED = 12;
  private static final int WORK = 14;
  private static final int UPPER = 16;
  private static final int EXCESS = 20;
  private static final int ROUNDED_UP = 21;
  private static final int UNIT = 22;
  private static final int WEIGHT_EXCESS = 23;
  private static final int SIGNS = 24;
  private static final int DIGIT_SIGNS = 25;
  private static final int EXPONENTS = 26;
  private static final int LEAST = 27;
  private static final int UPPER_DIGITS = 28;
  private static final int LOWEST_DIGITS = 29;
  private static final int BY_BLOCKS = 30;
  private static final int MIDDLES = 31;

  /** Masks: 1 to 4 of the last blocks; then half a vector. */
  private static final int HALF = 5;

  private static final int HALVES = 0x4e;
  private static final int NEIGHBOURS = 0xb1;

  /** The first quarter of each half. */
  private static final int FIRSTS = 0x88;

  private BlockPackCode() {}

  /** Bytes of a block. */
  static int bytes(int digits) {
    return digitsAt(digits) + QUARTER_BYTES;
  }

  /** Columns of a group: more of them than there are may be written in whole blocks. */
  static int groupColumns() {
    return BLOCKS * BlockTile.COLUMNS;
  }

  static int digitsAt(int digit) {
    return digit * BlockTile.COLUMNS;
  }

  static int excessAt(int digits, int digit) {
    return digitsAt(digits) + digit * Integer.BYTES;
  }

  static int unitAt(int digits) {
    return excessAt(digits, digits);
  }

  static void code(Assembler code, WeightBlock type, int digits) {
    constant(code, SIGNS, Integer.MAX_VALUE);
    constant(code, MIDDLES, 0x80_8080 >> (Byte.SIZE * (MOST_DIGITS - digits)));
    constant(code, DIGIT_SIGNS, 0x8080_8080);
    constant(code, EXPONENTS, 0x7f80_0000);
    constant(code, ROUNDED_UP, BEYOND_DIGITS);
    constant(code, LEAST, Float.floatToRawIntBits(0x1p-100f));
    constant(code, WEIGHT_EXCESS, type.excess() * 0x0101_0101);
    code.mov(RAX, (1 << (LANES / 2)) - 1);
    code.kmovw(HALF, RAX);
    code.lea(R11, Address.at(R8, R8, 2));
    int tables = code.leaAhead(R10);
    code.vmovups(UPPER_DIGITS, Address.at(R10, 0));
    code.vmovups(LOWEST_DIGITS, Address.at(R10, VECTOR_BYTES));
    code.vmovups(BY_BLOCKS, Address.at(R10, 2 * VECTOR_BYTES));
    code.test(RSI, RSI);
    int none = code.jz();
    int next = code.here();
    group(code, digits, false);
    code.add(RDI, GROUP_BYTES);
    code.lea(RCX, Address.at(RCX, R8, BLOCKS));
    code.dec(RSI);
    code.jnz(next);
    code.land(none);
    code.test(RDX, RDX);
    int whole = code.jz();
    blockMasks(code);
    group(code, digits, true);
    code.land(whole);
    code.vzeroupper();
    code.ret();
    code.land(tables);
    code.put(digitTable(digits - 1, digits - 2));
    code.put(digitTable(0, 0));
    code.put(blockTable());
  }

  private static void constant(Assembler code, int target, int value) {
    code.mov(RAX, value);
    code.vpbroadcastd(target, RAX);
  }

  /** Masks 1 to 4: all or none of a block's numbers. */
  private static void blockMasks(Assembler code) {
    code.shr(RDX, 1);
    code.mov(RAX, -1L);
    code.bzhi(RAX, RAX, RDX);
    for (int b = 0; b < BLOCKS; b++) {
      code.kmovw(1 + b, RAX);
      code.shr(RAX, LANES);
    }
  }

  private static void group(Assembler code, int digits, boolean masked) {
    for (int v = 0; v < 2 * BLOCKS; v++) {
      code.vmovups(v, masked ? 1 + v / 2 : 0, Address.at(RDI, v * VECTOR_BYTES));
    }
    for (int b = 0; b < BLOCKS; b++) {
      code.vpandd(LARGEST + b, 2 * b, SIGNS);
      code.vpandd(TURNED, 2 * b + 1, SIGNS);
      code.vpmaxud(LARGEST + b, LARGEST + b, TURNED);
    }
    byBlocks(code, LARGEST, code::vpmaxud);
    code.vshufi32x4(TURNED, LARGEST, LARGEST, HALVES);
    code.vpmaxud(LARGEST, LARGEST, TURNED);
    code.vpmaxud(LARGEST, LARGEST, LEAST);
    units(code, digits);
    for (int v = 0; v < 2 * BLOCKS; v++) {
      code.vpshufd(TURNED, LARGEST, v / 2 * 0x55);
      code.vmulps(v, v, TURNED);
      code.vcvtps2dq(v, v);
      code.vpaddd(v, v, MIDDLES);
    }
    digits(code, digits);
    excesses(code, digits);
  }

  /** How far below the first bit of a block's largest number the last bit of all is, or one less where that would be {@link #BEYOND_DIGITS}. */
  private static int bits(int digits) {
    return Byte.SIZE * digits - 2;
  }

  /** What joins two vectors, lane by lane. */
  private interface Join {
    void into(int target, int a, int b);
  }

  /**
   * All lanes of each half of four registers from {@code first} on joined: into the first, of whose halves every quarter has those of the four
   * in order. All four are used, and from {@link #TURNED} on.
   */
  private static void byBlocks(Assembler code, int first, Join join) {
    for (int pair = 0; pair < 2; pair++) {
      int a = first + 2 * pair;
      code.vpunpckldq(WORK, a, a + 1);
      code.vpunpckhdq(WORK + 1, a, a + 1);
      join.into(TURNED + pair, WORK, WORK + 1);
    }
    code.vpunpcklqdq(WORK, TURNED, TURNED + 1);
    code.vpunpckhqdq(WORK + 1, TURNED, TURNED + 1);
    join.into(first, WORK, WORK + 1);
    code.vshufi32x4(WORK, first, first, NEIGHBOURS);
    join.into(first, first, WORK);
  }

  /** {@link #LARGEST} becomes what numbers are multiplied by, {@link #UNIT} their unit; of a block that has one not finite, none. */
  private static void units(Assembler code, int digits) {
    code.vpaddd(UNIT, LARGEST, ROUNDED_UP);
    code.vpandd(UNIT, UNIT, EXPONENTS);
    constant(code, TURNED, (2 * EXPONENT_BIAS + bits(digits)) << EXPONENT_AT);
    code.vpsubd(WORK, TURNED, UNIT);
    constant(code, TURNED, bits(digits) << EXPONENT_AT);
    code.vpsubd(UNIT, UNIT, TURNED);
    code.vpxord(TURNED);
    code.vfmadd231ps(UNIT, LARGEST, TURNED);
    code.vmovups(LARGEST, WORK);
  }

  /** Writes the digits of each block, and leaves the upper ones and the lowest in registers from {@link #UPPER} and from 0 on. */
  private static void digits(Assembler code, int digits) {
    for (int b = 0; b < BLOCKS; b++) {
      code.vmovups(UPPER + b, 2 * b);
      code.vpermt2b(UPPER + b, UPPER_DIGITS, 2 * b + 1);
      code.vpxord(UPPER + b, UPPER + b, DIGIT_SIGNS);
      code.vmovups(block(b), UPPER + b);
      if (digits == MOST_DIGITS) {
        code.vpermt2b(2 * b, LOWEST_DIGITS, 2 * b + 1);
        code.vpxord(b, 2 * b, DIGIT_SIGNS);
        code.vmovups(block(b).plus(digitsAt(2)), HALF, b);
      }
    }
  }

  private static Address block(int b) {
    return switch (b) {
      case 0 -> Address.at(RCX, 0);
      case 1 -> Address.at(RCX, R8, 1);
      case 2 -> Address.at(RCX, R8, 2);
      default -> Address.at(RCX, R11, 1);
    };
  }

  /** Writes what belongs to the weights' excess, and the units. */
  private static void excesses(Assembler code, int digits) {
    excess(code, UPPER);
    if (digits == MOST_DIGITS) {
      excess(code, 0);
      code.vshufi32x4(0, 0, UNIT, 0);
    } else {
      code.vmovups(0, UNIT);
    }
    code.vshufi32x4(EXCESS, UPPER, 0, FIRSTS);
    code.vpermps(EXCESS, BY_BLOCKS, EXCESS);
    for (int b = 0; b < BLOCKS; b++) {
      code.vextracti32x4(block(b).plus(digitsAt(digits)), EXCESS, b);
    }
  }

  /** Of the digits of four blocks in four registers, a digit in each half: into each half of the first. */
  private static void excess(Assembler code, int first) {
    for (int b = 0; b < BLOCKS; b++) {
      code.vpxord(TURNED);
      code.vpdpbusd(TURNED, WEIGHT_EXCESS, first + b);
      code.vpxord(first + b);
      code.vpsubd(first + b, first + b, TURNED);
    }
    byBlocks(code, first, code::vpaddd);
  }

  /** Of 32 numbers in two registers the bytes {@code lower}, then the bytes {@code upper}. */
  private static byte[] digitTable(int lower, int upper) {
    byte[] table = new byte[VECTOR_BYTES];
    for (int i = 0; i < 2 * LANES; i++) {
      table[i] = (byte) (Integer.BYTES * i + lower);
      table[2 * LANES + i] = (byte) (Integer.BYTES * i + upper);
    }
    return table;
  }

  /** Turns four quarters of four. */
  private static byte[] blockTable() {
    byte[] table = new byte[VECTOR_BYTES];
    for (int lane = 0; lane < LANES; lane++) {
      table[Integer.BYTES * lane] = (byte) (lane % BLOCKS * BLOCKS + lane / BLOCKS);
    }
    return table;
  }
}
