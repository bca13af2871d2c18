package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R12;
import static kumiko.runtime.machine.Register.R13;
import static kumiko.runtime.machine.Register.R14;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/** Dot products of rows of keys, of float32 or shorter, with 1, 2 or 4 queries of float32, in the blocks of {@link GroupAttention}. */
final class GroupScoreCode {
  /** Keys lie without a gap: so far ahead they are asked for. */
  private static final int AHEAD = 4096;

  private static final int BLOCK = GroupAttention.BLOCK;
  private static final int VECTOR_BYTES = WeightVector.LANES * Float.BYTES;
  private static final int QUERY = 16;
  private static final int KEY = 20;

  private GroupScoreCode() {}

  /** RDI keys, RSI bytes of a row, RDX blocks, RCX queries, R8 columns, R9 scores. */
  static void code(Assembler code, int queries, WeightVector type) {
    int keys = GroupAttention.keys(queries);
    Register[] fours = {R10, RBX, R12, R13};
    code.push(RBX);
    code.push(R12);
    code.push(R13);
    code.push(R14);
    code.lea(R14, Address.at(RSI, RSI, 2));
    code.mov(R11, R8);
    code.and(R11, WeightVector.LANES - 1);
    code.mov(RAX, -1L);
    code.bzhi(RAX, RAX, R11);
    code.kmovw(1, RAX);
    int nextBlock = code.here();
    for (int i = 0; i < BLOCK; i++) {
      code.vpxord(i);
    }
    code.mov(R10, RDI);
    for (int four = 1; four < keys / 4; four++) {
      code.lea(fours[four], Address.at(fours[four - 1], RSI, 4));
    }
    code.mov(R11, RCX);
    code.mov(RAX, R8);
    code.shr(RAX, Integer.numberOfTrailingZeros(WeightVector.LANES));
    int few = code.jz();
    int next = code.here();
    products(code, queries, type, fours, 0);
    for (int four = 0; four < keys / 4; four++) {
      code.add(fours[four], type.bytes());
    }
    code.add(R11, VECTOR_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, WeightVector.LANES - 1);
    int whole = code.jz();
    products(code, queries, type, fours, 1);
    code.land(whole);
    LaneSums.emit(code);
    code.vmovups(Address.at(R9, 0), 0);
    code.add(R9, BLOCK * Float.BYTES);
    for (int four = 0; four < keys / 4; four++) {
      code.lea(RDI, Address.at(RDI, RSI, 4));
    }
    code.dec(RDX);
    code.jnz(nextBlock);
    code.pop(R14);
    code.pop(R13);
    code.pop(R12);
    code.pop(RBX);
    code.vzeroupper();
    code.ret();
  }

  /** A vector of columns of all keys of a block with that of all queries. */
  private static void products(Assembler code, int queries, WeightVector type, Register[] fours, int mask) {
    int keys = GroupAttention.keys(queries);
    for (int q = 0; q < queries; q++) {
      code.vmovups(QUERY + q, mask, row(R11, q, VECTOR_BYTES / type.bytes()));
    }
    for (int k = 0; k < keys; k++) {
      Address key = row(fours[k / 4], k % 4, 1);
      type.load(code, KEY + k % 4, mask, key);
      if (mask == 0) {
        code.prefetcht1(key.plus(AHEAD));
      }
      for (int q = 0; q < queries; q++) {
        code.vfmadd231ps(q * keys + k, QUERY + q, KEY + k % 4);
      }
    }
  }

  /** @param wider how many times as long as the rows of keys these are */
  private static Address row(Register first, int row, int wider) {
    return switch (row) {
      case 0 -> Address.at(first, 0);
      case 1 -> Address.at(first, RSI, wider);
      case 2 -> Address.at(first, RSI, 2 * wider);
      default -> Address.at(first, R14, wider);
    };
  }
}
