package kumiko.runtime.machine;

/**
 * An operand in memory: {@code base + index * scale + displacement}.
 *
 * @param index null for none
 * @param scale 1, 2, 4 or 8
 */
record Address(Register base, Register index, int scale, int displacement) {
  static Address at(Register base, int displacement) {
    return new Address(base, null, 1, displacement);
  }

  static Address at(Register base, Register index, int scale) {
    return new Address(base, index, scale, 0);
  }

  Address plus(int bytes) {
    return new Address(base, index, scale, displacement + bytes);
  }
}
