package kumiko.runtime.machine;

import static kumiko.runtime.machine.Encoder.NO_REGISTER;
import static kumiko.runtime.machine.Opcode.M0F;
import static kumiko.runtime.machine.Opcode.M0F38;
import static kumiko.runtime.machine.Opcode.M0F3A;
import static kumiko.runtime.machine.Opcode.NONE;
import static kumiko.runtime.machine.Opcode.P66;
import static kumiko.runtime.machine.Opcode.PF3;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBP;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSP;

import java.util.ArrayList;
import java.util.List;

/**
 * Instructions on 512 bits as pairs of those of AVX2, FMA and F16C on 256, so that one routine serves both kinds of processors. AVX2 has 16
 * registers of half a vector: vectors 0 to 6 are pairs of them, the others and the masks lie in memory, at RBP, where most instructions
 * take an operand from as readily. So what a routine uses most has low numbers, and it leaves RBP alone. Two registers are room to work
 * in.
 *
 * <p>Only instructions on float32, and those that they need, have a twin here: {@link #toBytes} fails if a routine uses another.
 */
final class HalvedAssembler extends Assembler {
  /** Vectors that are in registers. */
  static final int KEPT = 7;

  private static final int HALF = 32;
  private static final int MASKS = 8;
  private static final int ROOM = 14;
  private static final int OTHER = 15;

  /** What lies at RBP: vectors, masks with 32 bits for each element, masks with one, a few elements, a general register, what RSP was. */
  private static final int MASK_PLACE = (VECTORS - KEPT) * VECTOR_BYTES;

  private static final int BIT_PLACE = MASK_PLACE + MASKS * VECTOR_BYTES;
  private static final int ELEMENT_PLACE = BIT_PLACE + MASKS * Long.BYTES;
  private static final int REGISTER_PLACE = ELEMENT_PLACE + HALF;
  private static final int STACK_PLACE = REGISTER_PLACE + Long.BYTES;
  private static final int FRAME = STACK_PLACE + Long.BYTES;

  private static final Opcode COPY = new Opcode(NONE, M0F, 0, 0x28);
  private static final Opcode LOAD_WITHIN = new Opcode(P66, M0F38, 0, 0x2c);
  private static final Opcode STORE_WITHIN = new Opcode(P66, M0F38, 0, 0x2e);
  private static final Opcode BLEND = new Opcode(P66, M0F3A, 0, 0x4a);
  private static final Opcode AND = new Opcode(P66, M0F, 0, 0xdb);
  private static final Opcode AND_NOT = new Opcode(P66, M0F, 0, 0xdf);
  private static final Opcode EQUAL = new Opcode(P66, M0F, 0, 0x76);
  private static final Opcode GREATER = new Opcode(P66, M0F, 0, 0x66);
  private static final Opcode SUBTRACT = new Opcode(NONE, M0F, 0, 0x5c);
  private static final Opcode WIDEN_DOUBLE = new Opcode(P66, M0F38, 0, 0x35);

  /** Where the address of a table is wanted that has the bit of each lane. */
  private final List<Integer> bitTables = new ArrayList<>();

  HalvedAssembler() {
    push(RBP);
    mov(RBP, RSP);
    add(RSP, -FRAME);
    and(RSP, -VECTOR_BYTES);
    mov(Address.at(RSP, STACK_PLACE), RBP);
    mov(RBP, RSP);
  }

  @Override
  void ret() {
    mov(RSP, Address.at(RBP, STACK_PLACE));
    pop(RBP);
    super.ret();
  }

  @Override
  byte[] toBytes() {
    for (int place : bitTables) {
      land(place);
    }
    for (int lane = 0; lane < WeightVector.LANES && !bitTables.isEmpty(); lane++) {
      putInt(1 << lane);
    }
    bitTables.clear();
    if (code.hasEvex()) {
      throw new IllegalStateException("a routine for AVX2 uses an instruction that only AVX-512 has");
    }
    return super.toBytes();
  }

  @Override
  int vectors() {
    return KEPT;
  }

  private static boolean isKept(int vector) {
    return vector < KEPT;
  }

  private static int kept(int vector, int half) {
    return 2 * vector + half;
  }

  private static Address place(int vector, int half) {
    return Address.at(RBP, (vector - KEPT) * VECTOR_BYTES + half * HALF);
  }

  private static Address maskPlace(int mask, int half) {
    return Address.at(RBP, MASK_PLACE + mask * VECTOR_BYTES + half * HALF);
  }

  private static Address bitPlace(int mask) {
    return Address.at(RBP, BIT_PLACE + mask * Long.BYTES);
  }

  /** The register that half a vector is in, or is brought into. */
  private int read(int vector, int half, int room) {
    if (isKept(vector)) {
      return kept(vector, half);
    }
    code.vex256(LOAD, room, NO_REGISTER, place(vector, half));
    return room;
  }

  /** The register that half a vector is to be put into; {@link #written} follows. */
  private static int target(int vector, int half) {
    return isKept(vector) ? kept(vector, half) : OTHER;
  }

  private void written(int vector, int half) {
    if (!isKept(vector)) {
      code.vex256(STORE, OTHER, NO_REGISTER, place(vector, half));
    }
  }

  private void write(int vector, int half, int from) {
    if (isKept(vector)) {
      code.vex256(COPY, kept(vector, half), NO_REGISTER, from);
    } else {
      code.vex256(STORE, from, NO_REGISTER, place(vector, half));
    }
  }

  /** With half a vector as last operand. */
  private void last(Opcode op, int reg, int second, int vector, int half) {
    if (isKept(vector)) {
      code.vex256(op, reg, second, kept(vector, half));
    } else {
      code.vex256(op, reg, second, place(vector, half));
    }
  }

  private void one(Opcode op, int target, int source) {
    for (int half = 0; half < 2; half++) {
      last(op, target(target, half), NO_REGISTER, source, half);
      written(target, half);
    }
  }

  private void two(Opcode op, int target, int a, int b) {
    for (int half = 0; half < 2; half++) {
      last(op, target(target, half), read(a, half, ROOM), b, half);
      written(target, half);
    }
  }

  private void two(Opcode op, int target, int a, Address b) {
    for (int half = 0; half < 2; half++) {
      code.vex256(op, target(target, half), read(a, half, ROOM), b.plus(half * HALF));
      written(target, half);
    }
  }

  /** Of which the target is an operand, too. */
  private void three(Opcode op, int target, int a, int b) {
    for (int half = 0; half < 2; half++) {
      last(op, read(target, half, OTHER), read(a, half, ROOM), b, half);
      written(target, half);
    }
  }

  /** A shift, whose source is a register, by a number of bits. */
  private void shift(Opcode op, int kind, int target, int source, int bits) {
    for (int half = 0; half < 2; half++) {
      code.vex256(op, kind, target(target, half), read(source, half, ROOM));
      code.put(bits);
      written(target, half);
    }
  }

  @Override
  void kmovw(int mask, Register source) {
    mov(bitPlace(mask), source);
    code.vex(MOVE_GENERAL, ROOM, NO_REGISTER, source.number());
    code.vex256(BROADCAST, ROOM, NO_REGISTER, ROOM);
    Register table = source == RAX ? RCX : RAX;
    mov(Address.at(RBP, REGISTER_PLACE), table);
    bitTables.add(leaAhead(table));
    for (int half = 0; half < 2; half++) {
      Address bits = Address.at(table, half * HALF);
      code.vex256(AND, OTHER, ROOM, bits);
      code.vex256(EQUAL, OTHER, OTHER, bits);
      code.vex256(STORE, OTHER, NO_REGISTER, maskPlace(mask, half));
    }
    mov(table, Address.at(RBP, REGISTER_PLACE));
  }

  /** Of masks of more elements than a vector of float32 has, which nothing here takes, the lower 16. */
  @Override
  void kmovd(int mask, Register source) {
    kmovw(mask, source);
  }

  @Override
  void vmovups(int target, int source) {
    vmovaps(target, source);
  }

  @Override
  void vmovaps(int target, int source) {
    if (isKept(target)) {
      one(LOAD, target, source);
      return;
    }
    for (int half = 0; half < 2; half++) {
      code.vex256(STORE, read(source, half, OTHER), NO_REGISTER, place(target, half));
    }
  }

  @Override
  void vmovups(int target, int mask, Address source) {
    for (int half = 0; half < 2; half++) {
      Address from = source.plus(half * HALF);
      if (mask == 0) {
        code.vex256(LOAD, target(target, half), NO_REGISTER, from);
      } else {
        code.vex256(LOAD, ROOM, NO_REGISTER, maskPlace(mask, half));
        code.vex256(LOAD_WITHIN, target(target, half), ROOM, from);
      }
      written(target, half);
    }
  }

  @Override
  void vmovups(Address target, int mask, int source) {
    for (int half = 0; half < 2; half++) {
      Address to = target.plus(half * HALF);
      int from = read(source, half, OTHER);
      if (mask == 0) {
        code.vex256(STORE, from, NO_REGISTER, to);
      } else {
        code.vex256(LOAD, ROOM, NO_REGISTER, maskPlace(mask, half));
        code.vex256(STORE_WITHIN, from, ROOM, to);
      }
    }
  }

  @Override
  void vbroadcastss(int target, Address source) {
    code.vex256(BROADCAST, target(target, 0), NO_REGISTER, source);
    written(target, 0);
    write(target, 1, target(target, 0));
  }

  @Override
  void vpbroadcastd(int target, Address source) {
    vbroadcastss(target, source);
  }

  @Override
  void vpbroadcastd(int target, Register source) {
    code.vex(MOVE_GENERAL, OTHER, NO_REGISTER, source.number());
    code.vex256(BROADCAST, OTHER, NO_REGISTER, OTHER);
    write(target, 0, OTHER);
    write(target, 1, OTHER);
  }

  @Override
  void vpmovzxwd(int target, int mask, Address source) {
    widen(WIDEN_WORDS, target, mask, source, Short.BYTES);
  }

  @Override
  void vpmovsxbd(int target, int mask, Address source) {
    widen(WIDEN_BYTES, target, mask, source, Byte.BYTES);
  }

  @Override
  void vcvtph2ps(int target, int mask, Address source) {
    widen(FROM_FLOAT16, target, mask, source, Short.BYTES);
  }

  /** Of elements shorter than 32 bits those before the first that is outside of the mask are read, one by one. */
  private void widen(Opcode op, int target, int mask, Address source, int bytes) {
    Address from = source;
    if (mask != 0) {
      from = Address.at(RBP, ELEMENT_PLACE);
      copyWithin(mask, source, bytes);
    }
    for (int half = 0; half < 2; half++) {
      code.vex256(op, target(target, half), NO_REGISTER, from.plus(half * bytes * WeightVector.LANES / 2));
      written(target, half);
    }
  }

  private void copyWithin(int mask, Address source, int bytes) {
    code.vex256(EITHER_OR, OTHER, OTHER, OTHER);
    code.vex256(STORE, OTHER, NO_REGISTER, Address.at(RBP, ELEMENT_PLACE));
    Register element = free(source);
    mov(Address.at(RBP, REGISTER_PLACE), element);
    int[] ends = new int[WeightVector.LANES];
    for (int lane = 0; lane < WeightVector.LANES; lane++) {
      ends[lane] = jumpWithout(bitPlace(mask), lane);
      movzx(element, source.plus(lane * bytes), bytes);
      movPart(Address.at(RBP, ELEMENT_PLACE + lane * bytes), element, bytes);
    }
    for (int end : ends) {
      land(end);
    }
    mov(element, Address.at(RBP, REGISTER_PLACE));
  }

  private static Register free(Address source) {
    for (Register register : new Register[]{RAX, RCX, RDX}) {
      if (register != source.base() && register != source.index()) {
        return register;
      }
    }
    throw new IllegalStateException("an address has two registers");
  }

  @Override
  void vpmovzxdq(int target, int source) {
    int from = read(source, 0, OTHER);
    code.vex256(UPPER_QUARTER, from, NO_REGISTER, ROOM);
    code.put(1);
    code.vex256(WIDEN_DOUBLE, ROOM, NO_REGISTER, ROOM);
    code.vex256(WIDEN_DOUBLE, OTHER, NO_REGISTER, from);
    write(target, 0, OTHER);
    write(target, 1, ROOM);
  }

  @Override
  void vpmovzxdq(int target, int mask, Address source) {
    code.vex256(LOAD, ROOM, NO_REGISTER, maskPlace(mask, 0));
    code.vex256(LOAD_WITHIN, OTHER, ROOM, source);
    code.vex256(UPPER_QUARTER, OTHER, NO_REGISTER, ROOM);
    code.put(1);
    code.vex256(WIDEN_DOUBLE, ROOM, NO_REGISTER, ROOM);
    code.vex256(WIDEN_DOUBLE, OTHER, NO_REGISTER, OTHER);
    write(target, 0, OTHER);
    write(target, 1, ROOM);
  }

  @Override
  void vcvtdq2ps(int target, int source) {
    one(FROM_INTEGERS, target, source);
  }

  @Override
  void vsqrtps(int target, int source) {
    one(new Opcode(NONE, M0F, 0, 0x51), target, source);
  }

  @Override
  void vmovsldup(int target, int source) {
    one(new Opcode(PF3, M0F, 0, 0x12), target, source);
  }

  @Override
  void vpshufd(int target, int source, int which) {
    for (int half = 0; half < 2; half++) {
      last(new Opcode(P66, M0F, 0, 0x70), target(target, half), NO_REGISTER, source, half);
      code.put(which);
      written(target, half);
    }
  }

  @Override
  void vshufi32x4(int target, int a, int b, int which) {
    quarters(OTHER, a, which);
    quarters(ROOM, b, which >> 4);
    write(target, 0, OTHER);
    write(target, 1, ROOM);
  }

  /** Two quarters of a vector, by two bits of {@code which} each. */
  private void quarters(int register, int vector, int which) {
    last(QUARTERS, register, read(vector, 0, register), vector, 1);
    code.put((which & 3) | (which >> 2 & 3) << 4);
  }

  @Override
  void vfmadd231ps(int target, int a, int b) {
    three(MULTIPLY_ADD, target, a, b);
  }

  @Override
  void vfmadd231ps(int target, int a, Address b) {
    for (int half = 0; half < 2; half++) {
      code.vex256(MULTIPLY_ADD, read(target, half, OTHER), read(a, half, ROOM), b.plus(half * HALF));
      written(target, half);
    }
  }

  @Override
  void vfmadd231psEach(int target, int a, Address b) {
    code.vex256(BROADCAST, ROOM, NO_REGISTER, b);
    for (int half = 0; half < 2; half++) {
      last(MULTIPLY_ADD, read(target, half, OTHER), ROOM, a, half);
      written(target, half);
    }
  }

  @Override
  void vfmadd213ps(int target, int a, int b) {
    three(new Opcode(P66, M0F38, 0, 0xa8), target, a, b);
  }

  @Override
  void vfnmadd213ps(int target, int a, int b) {
    three(new Opcode(P66, M0F38, 0, 0xac), target, a, b);
  }

  @Override
  void vfnmadd231ps(int target, int a, int b) {
    three(new Opcode(P66, M0F38, 0, 0xbc), target, a, b);
  }

  @Override
  void vfmaddsub213ps(int target, int a, int b) {
    three(new Opcode(P66, M0F38, 0, 0xa6), target, a, b);
  }

  @Override
  void vmulps(int target, int a, int b) {
    two(MULTIPLY, target, a, b);
  }

  @Override
  void vmulps(int target, int a, Address b) {
    two(MULTIPLY, target, a, b);
  }

  @Override
  void vsubps(int target, int a, int b) {
    two(SUBTRACT, target, a, b);
  }

  @Override
  void vaddps(int target, int a, int b) {
    two(ADD, target, a, b);
  }

  @Override
  void vaddps(int target, int a, Address b) {
    two(ADD, target, a, b);
  }

  @Override
  void vdivps(int target, int a, int b) {
    two(new Opcode(NONE, M0F, 0, 0x5e), target, a, b);
  }

  @Override
  void vmaxps(int target, int a, int b) {
    two(new Opcode(NONE, M0F, 0, 0x5f), target, a, b);
  }

  @Override
  void vminps(int target, int a, int b) {
    two(new Opcode(NONE, M0F, 0, 0x5d), target, a, b);
  }

  @Override
  void vaddss(int target, int a, Address b) {
    single(0x58, target, a, b);
  }

  @Override
  void vmulss(int target, int a, Address b) {
    single(0x59, target, a, b);
  }

  private void single(int instruction, int target, int a, Address b) {
    code.vex(new Opcode(PF3, M0F, 0, instruction), target(target, 0), read(a, 0, ROOM), b);
    written(target, 0);
  }

  @Override
  void vmovss(Address target, int source) {
    code.vex(new Opcode(PF3, M0F, 0, 0x11), read(source, 0, OTHER), NO_REGISTER, target);
  }

  @Override
  void vpxord(int target) {
    for (int half = 0; half < 2; half++) {
      int zero = target(target, half);
      code.vex256(EITHER_OR, zero, zero, zero);
      written(target, half);
    }
  }

  @Override
  void vpxord(int target, int a, int b) {
    two(EITHER_OR, target, a, b);
  }

  @Override
  void vpandd(int target, int a, int b) {
    two(AND, target, a, b);
  }

  @Override
  void vpaddd(int target, int a, int b) {
    two(new Opcode(P66, M0F, 0, 0xfe), target, a, b);
  }

  @Override
  void vpslld(int target, int source, int bits) {
    shift(SHIFT, 6, target, source, bits);
  }

  @Override
  void vpsrld(int target, int source, int bits) {
    shift(SHIFT, 2, target, source, bits);
  }

  @Override
  void vpunpckldq(int target, int a, int b) {
    two(LOWER_OF_BOTH, target, a, b);
  }

  @Override
  void vpunpckhdq(int target, int a, int b) {
    two(UPPER_OF_BOTH, target, a, b);
  }

  @Override
  void vpunpcklqdq(int target, int a, int b) {
    two(new Opcode(P66, M0F, 0, 0x6c), target, a, b);
  }

  @Override
  void vpunpckhqdq(int target, int a, int b) {
    two(new Opcode(P66, M0F, 0, 0x6d), target, a, b);
  }

  @Override
  void vblendmps(int target, int mask, int a, int b) {
    for (int half = 0; half < 2; half++) {
      int outside = read(a, half, OTHER);
      code.vex256(LOAD, ROOM, NO_REGISTER, maskPlace(mask, half));
      last(BLEND, target(target, half), outside, b, half);
      code.put(ROOM << 4);
      written(target, half);
    }
  }

  @Override
  void vcmpltps(int mask, int a, int b) {
    compare(mask, a, b, 1);
  }

  private void compare(int mask, int a, int b, int how) {
    for (int half = 0; half < 2; half++) {
      last(new Opcode(NONE, M0F, 0, 0xc2), OTHER, read(a, half, ROOM), b, half);
      code.put(how);
      code.vex256(STORE, OTHER, NO_REGISTER, maskPlace(mask, half));
    }
  }

  @Override
  void vpcmpd(int mask, int within, int a, int b, Comparison comparison) {
    for (int half = 0; half < 2; half++) {
      last(GREATER, OTHER, read(b, half, ROOM), a, half);
      if (within == 0) {
        code.vex256(EQUAL, ROOM, ROOM, ROOM);
      } else {
        code.vex256(LOAD, ROOM, NO_REGISTER, maskPlace(within, half));
      }
      code.vex256(comparison == Comparison.LESS ? AND : AND_NOT, OTHER, OTHER, ROOM);
      code.vex256(STORE, OTHER, NO_REGISTER, maskPlace(mask, half));
    }
  }

  @Override
  void vmulpsWithin(int mask, int target, int a, Address b) {
    for (int half = 0; half < 2; half++) {
      code.vex256(LOAD, ROOM, NO_REGISTER, maskPlace(mask, half));
      code.vex256(LOAD_WITHIN, OTHER, ROOM, b.plus(half * HALF));
      last(MULTIPLY, OTHER, OTHER, a, half);
      writeWithin(target, half);
    }
  }

  /** Of {@link #OTHER} what is within the mask in {@link #ROOM}. */
  private void writeWithin(int vector, int half) {
    if (isKept(vector)) {
      code.vex256(BLEND, kept(vector, half), kept(vector, half), OTHER);
      code.put(ROOM << 4);
    } else {
      code.vex256(STORE_WITHIN, OTHER, ROOM, place(vector, half));
    }
  }
}
