package kumiko.runtime.machine;

/** The instructions on general registers, and jumps, named as in the manual. Operands stand in the manual's order: the target first. */
abstract class GeneralInstructions {
  final Encoder code = new Encoder();

  /** Where the next instruction will stand. */
  int here() {
    return code.size();
  }

  byte[] toBytes() {
    return code.toBytes();
  }

  /** 64 bits. */
  void mov(Register target, Register source) {
    code.general(0x89, source.number(), target.number());
  }

  /** 64 bits. */
  void mov(Register target, Address source) {
    code.general(0x8b, target.number(), source);
  }

  /** 64 bits. */
  void mov(Address target, Register source) {
    code.general(0x89, source.number(), target);
  }

  /** The lower 32 bits; the upper become zero. */
  void mov(Register target, int value) {
    if (target.number() >= 8) {
      code.put(0x41);
    }
    code.put(0xb8 | (target.number() & 7));
    code.putInt(value);
  }

  /** 64 bits. */
  void mov(Register target, long value) {
    code.put(0x48 | target.number() >> 3, 0xb8 | (target.number() & 7));
    code.putLong(value);
  }

  void push(Register source) {
    if (source.number() >= 8) {
      code.put(0x41);
    }
    code.put(0x50 | (source.number() & 7));
  }

  /** One after the other; {@link #pop(Register[])} brings them back. */
  void push(Register[] sources) {
    for (Register source : sources) {
      push(source);
    }
  }

  void pop(Register[] targets) {
    for (int i = targets.length - 1; i >= 0; i--) {
      pop(targets[i]);
    }
  }

  void pop(Register target) {
    if (target.number() >= 8) {
      code.put(0x41);
    }
    code.put(0x58 | (target.number() & 7));
  }

  /** Asks for the line of memory that the address lies in, into the second-level cache; any address will do. */
  void prefetcht1(Address source) {
    code.hint(0x18, 2, source);
  }

  /** The same, into the nearest cache. */
  void prefetcht0(Address source) {
    code.hint(0x18, 1, source);
  }

  /** The same, and the caches behind it do not get what leaves it. */
  void prefetchnta(Address source) {
    code.hint(0x18, 0, source);
  }

  /** What was written before is seen before what is written behind it. */
  void sfence() {
    code.put(0x0f, 0xae, 0xf8);
  }

  void lea(Register target, Address source) {
    code.general(0x8d, target.number(), source);
  }

  /** The address of where {@link #land} will be called with what this returns. */
  int leaAhead(Register target) {
    code.put(0x48 | (target.number() >> 3 << 2), 0x8d, 5 | (target.number() & 7) << 3);
    code.putInt(0);
    return here() - 4;
  }

  /** Data; no way of the code leads here. */
  void putInt(int data) {
    code.putInt(data);
  }

  /** Data; no way of the code leads here. */
  void put(byte... data) {
    for (byte each : data) {
      code.put(each);
    }
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

  /** The lower 64 bits of the product. */
  void imul(Register target, Register source) {
    code.generalLong(0xaf, target.number(), source.number());
  }

  /** With -128 to 127. */
  void and(Register target, int value) {
    code.general(0x83, 4, target.number());
    code.put(value);
  }

  /** {@code target = source} with all bits from number {@code count} on cleared; of {@code count} the lower 8 bits matter (BMI2). */
  void bzhi(Register target, Register source, Register count) {
    code.vex(new Opcode(Opcode.NONE, Opcode.M0F38, 1, 0xf5), target.number(), count.number(), source.number());
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

  /** The lower 8 bits of RAX. */
  void testRax(int bits) {
    code.put(0xa8, bits);
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

  /** The same, where that is not zero. */
  int jnz() {
    code.put(0x0f, 0x85);
    code.putInt(0);
    return here() - 4;
  }

  void land(int jump) {
    code.patch(jump, here());
  }

  /** Forward likewise, if bit {@code bit} of the 32 bits is zero. */
  int jumpWithout(Address bits, int bit) {
    code.hint(0xba, 4, bits);
    code.put(bit);
    code.put(0x0f, 0x83);
    code.putInt(0);
    return here() - 4;
  }

  /** One or two bytes, with zeros above; of the first four registers. */
  void movzx(Register target, Address source, int bytes) {
    code.hint(bytes == 1 ? 0xb6 : 0xb7, target.number(), source);
  }

  /** One or two bytes of the first four registers; the address has RBP alone. */
  void movPart(Address target, Register source, int bytes) {
    if (bytes == 1) {
      code.plain(0x88, source.number(), target);
    } else {
      code.put(0x66);
      code.plain(0x89, source.number(), target);
    }
  }

  /** What RAX and RCX ask for, into RAX, RBX, RCX and RDX, of each the lower 32 bits; the upper become zero. */
  void cpuid() {
    code.put(0x0f, 0xa2);
  }

  void ret() {
    code.put(0xc3);
  }
}
