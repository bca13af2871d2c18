package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * One row of float32 for {@link BlockDotCode}: RDI float32, RSI groups of blocks, RDX columns behind them, RCX where they go.
 *
 * <p>A group becomes two or three digits of every number, bytes from -128 to 127 which count 2^16, 2^8 and 1; then for each lane of 32
 * bits what the weights' offset adds to its sum, negative; then its unit.
 */
final class BlockPackCode {
  private static final int LANES = WeightVector.LANES;
  private static final int VECTOR_BYTES = 64;

  private static final int MOST_DIGITS = 3;

  private static final int EXPONENT_BIAS = 127;
  private static final int EXPONENT_AT = 23;

  /** Registers: numbers from 0, largest of blocks from 8, then constants. */
  private static final int LARGEST = 8;

  private static final int TURNED = 12;
  private static final int LEAST_NUMBER = 14;
  private static final int PLANE = 16;
  private static final int SUM = 22;
  private static final int OFFSET = 23;
  private static final int SIGNS = 24;
  private static final int DIGIT_SIGNS = 25;
  private static final int EXPONENTS = 26;
  private static final int LEAST = 27;
  private static final int UPPER_DIGITS = 28;
  private static final int LOWEST_DIGITS = 29;
  private static final int UNIT_LANES = 30;
  private static final int MIDDLES = 31;

  private static final int LOWER_HALVES = 0x44;
  private static final int UPPER_HALVES = 0xee;
  private static final int HALVES = 0x4e;
  private static final int NEIGHBOURS = 0xb1;

  private BlockPackCode() {}

  static byte[] code(WeightBlock type, int digits) {
    Assembler code = new Assembler();
    constant(code, SIGNS, Integer.MAX_VALUE);
    constant(code, MIDDLES, 0x80_8080 >> (Byte.SIZE * (MOST_DIGITS - digits)));
    constant(code, DIGIT_SIGNS, 0x8080_8080);
    constant(code, EXPONENTS, 0x7f80_0000);
    constant(code, LEAST, Float.floatToRawIntBits(0x1p-100f));
    // One more, times four weights of -128, would be 2^31.
    constant(code, LEAST_NUMBER, 1 - (2 << bits(digits)));
    constant(code, OFFSET, type.offset() * 0x0101_0101);
    int tables = code.leaAhead(R10);
    code.vmovups(UPPER_DIGITS, Address.at(R10, 0));
    code.vmovups(LOWEST_DIGITS, Address.at(R10, VECTOR_BYTES));
    code.vmovups(UNIT_LANES, Address.at(R10, 2 * VECTOR_BYTES));
    code.test(RSI, RSI);
    int none = code.jz();
    int next = code.here();
    group(code, type, digits, false);
    code.add(RDI, type.groupColumns() * Float.BYTES);
    code.add(RCX, type.packedBytes(digits));
    code.dec(RSI);
    code.jnz(next);
    code.land(none);
    code.test(RDX, RDX);
    int whole = code.jz();
    blockMasks(code, type);
    group(code, type, digits, true);
    code.land(whole);
    code.vzeroupper();
    code.ret();
    code.land(tables);
    code.put(digitTable(digits - 1, digits - 2));
    code.put(digitTable(0, 0));
    code.put(unitTable(type));
    return code.toBytes();
  }

  private static void constant(Assembler code, int target, int value) {
    code.mov(RAX, value);
    code.vpbroadcastd(target, RAX);
  }

  /** Masks 1 to 4: all or none of the first blocks' numbers. */
  private static void blockMasks(Assembler code, WeightBlock type) {
    code.shr(RDX, 1);
    code.mov(RAX, -1L);
    code.bzhi(RAX, RAX, RDX);
    for (int b = 0; b < type.together(); b++) {
      code.kmovw(1 + b, RAX);
      code.shr(RAX, LANES);
    }
  }

  private static void group(Assembler code, WeightBlock type, int digits, boolean masked) {
    int blocks = type.together();
    for (int v = 0; v < 2 * blocks; v++) {
      code.vmovups(v, masked ? 1 + v / 2 : 0, Address.at(RDI, v * VECTOR_BYTES));
    }
    for (int b = 0; b < blocks; b++) {
      code.vpandd(LARGEST + b, 2 * b, SIGNS);
      code.vpandd(TURNED, 2 * b + 1, SIGNS);
      code.vpmaxud(LARGEST + b, LARGEST + b, TURNED);
    }
    largest(code, LARGEST, LARGEST + 1, LARGEST + blocks - 2, LARGEST + blocks - 1);
    units(code, digits);
    for (int v = 0; v < 2 * blocks; v++) {
      code.vpshufd(TURNED, LARGEST, v / 2 * 0x55);
      code.vmulps(v, v, TURNED);
      code.vcvtps2dq(v, v);
      code.vpmaxsd(v, v, LEAST_NUMBER);
      code.vpaddd(v, v, MIDDLES);
    }
    for (int h = 0; h < type.halves(); h++) {
      planes(code, digits, h, type.halves());
    }
    store(code, type, digits);
  }

  /** How far below the first bit of a block's largest number the last bit of all is: no sum of four weights' products reaches 2^31. */
  static int bits(int digits) {
    return Byte.SIZE * digits - 3;
  }

  /** In each 128 bits of {@link #LARGEST} the largest lanes of the four registers, in order; at least 2^-100. */
  private static void largest(Assembler code, int a, int b, int c, int d) {
    turn(code, TURNED, a, b);
    turn(code, TURNED + 1, c, d);
    code.vpunpcklqdq(PLANE, TURNED, TURNED + 1);
    code.vpunpckhqdq(PLANE + 1, TURNED, TURNED + 1);
    code.vpmaxud(LARGEST, PLANE, PLANE + 1);
    for (int which : new int[]{HALVES, NEIGHBOURS}) {
      code.vshufi32x4(PLANE, LARGEST, LARGEST, which);
      code.vpmaxud(LARGEST, LARGEST, PLANE);
    }
    code.vpmaxud(LARGEST, LARGEST, LEAST);
  }

  private static void turn(Assembler code, int target, int a, int b) {
    code.vpunpckldq(PLANE, a, b);
    code.vpunpckhdq(PLANE + 1, a, b);
    code.vpmaxud(target, PLANE, PLANE + 1);
  }

  /** {@link #LARGEST} becomes what numbers are multiplied by, {@link #SUM} their unit; of a block that has one not finite, none. */
  private static void units(Assembler code, int digits) {
    code.vpandd(SUM, LARGEST, EXPONENTS);
    constant(code, TURNED, bits(digits) << EXPONENT_AT);
    code.vpsubd(TURNED + 1, SUM, TURNED);
    code.vpxord(TURNED);
    code.vfmadd231ps(TURNED + 1, LARGEST, TURNED);
    constant(code, TURNED, (2 * EXPONENT_BIAS + bits(digits)) << EXPONENT_AT);
    code.vpsubd(LARGEST, TURNED, SUM);
    code.vpermps(SUM, UNIT_LANES, TURNED + 1);
  }

  /** Of four registers of numbers one of bytes for each digit, from what counts most. */
  private static void planes(Assembler code, int digits, int half, int halves) {
    int first = PLANE + half;
    code.vmovups(LARGEST, half);
    code.vpermt2b(LARGEST, UPPER_DIGITS, half + halves);
    code.vmovups(LARGEST + 1, half + 2 * halves);
    code.vpermt2b(LARGEST + 1, UPPER_DIGITS, half + 3 * halves);
    code.vshufi32x4(first, LARGEST, LARGEST + 1, LOWER_HALVES);
    code.vshufi32x4(first + halves, LARGEST, LARGEST + 1, UPPER_HALVES);
    if (digits == MOST_DIGITS) {
      code.vpermt2b(half, LOWEST_DIGITS, half + halves);
      code.vpermt2b(half + 2 * halves, LOWEST_DIGITS, half + 3 * halves);
      code.vshufi32x4(first + 2 * halves, half, half + 2 * halves, LOWER_HALVES);
    }
    for (int p = 0; p < digits; p++) {
      code.vpxord(first + p * halves, first + p * halves, DIGIT_SIGNS);
    }
  }

  private static void store(Assembler code, WeightBlock type, int digits) {
    int planes = digits * type.halves();
    code.vpxord(LARGEST);
    code.vpxord(TURNED);
    for (int p = 0; p < planes; p++) {
      if (p > 0 && p % type.halves() == 0) {
        code.vpslld(LARGEST, LARGEST, Byte.SIZE);
      }
      code.vpdpbusd(LARGEST, OFFSET, PLANE + p);
      code.vmovups(Address.at(RCX, p * VECTOR_BYTES), PLANE + p);
    }
    code.vpsubd(LARGEST, TURNED, LARGEST);
    code.vmovups(Address.at(RCX, planes * VECTOR_BYTES), LARGEST);
    code.vmovups(Address.at(RCX, (planes + 1) * VECTOR_BYTES), SUM);
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

  /** Which block each lane of 32 bits belongs to. */
  private static byte[] unitTable(WeightBlock type) {
    byte[] table = new byte[VECTOR_BYTES];
    for (int lane = 0; lane < LANES; lane++) {
      table[Integer.BYTES * lane] = (byte) (lane * type.together() / LANES);
    }
    return table;
  }
}
