package kumiko.runtime.machine;

/**
 * What the manual gives of an instruction with VEX or EVEX prefix, as in {@code EVEX.512.F3.0F38.W0 52}.
 *
 * @param prefix 0 for none, 1 for 66, 2 for F3, 3 for F2
 * @param map 1 for 0F, 2 for 0F38, 3 for 0F3A
 * @param wide the bit W
 * @param code the byte after the prefix
 */
record Opcode(int prefix, int map, int wide, int code) {
  static final int NONE = 0;
  static final int P66 = 1;
  static final int PF3 = 2;
  static final int PF2 = 3;

  static final int M0F = 1;
  static final int M0F38 = 2;
  static final int M0F3A = 3;
}
