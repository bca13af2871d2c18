package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.RAX;

/** The order in which elements of 16 bits of the lower and of the upper half of a vector take turns, as pairs of columns in a panel do. */
final class HalvesInTurns {
  private HalvesInTurns() {}

  /** The index of a {@code vpermw}: 0, 16, 1, 17 and so on. RAX is used, and {@code room}, which is below 16. */
  static void index(Assembler code, int index, int room) {
    code.mov(RAX, 0x0706_0504_0302_0100L);
    code.vmovq(room, RAX);
    code.mov(RAX, 0x0f0e_0d0c_0b0a_0908L);
    code.vpinsrq(room, room, RAX);
    code.vpmovsxbd(index, room);
    code.mov(RAX, PanelLayout.STRIP);
    code.vpbroadcastd(room, RAX);
    code.vpaddd(room, room, index);
    code.vpslld(room, room, Short.SIZE);
    code.vpaddd(index, index, room);
  }
}
