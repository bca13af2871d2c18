package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R12;
import static kumiko.runtime.machine.Register.R13;
import static kumiko.runtime.machine.Register.R14;
import static kumiko.runtime.machine.Register.R15;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * Dot products of rows of keys, of float32 or shorter, with 1, 2 or 4 queries of float32, in the blocks of {@link GroupAttention}: RDI keys,
 * RSI bytes from one row to another of which four follow each other in a block, RDX blocks, RCX queries, R8 columns and in its upper half
 * bytes from four rows to the next four, R9 scores.
 */
final class GroupScoreCode {
  /** Rows of which one address tells where all are. */
  static final int FOUR = 4;

  private static final Register[] KEPT = {RBX, R12, R13, R14, R15};

  private static final int BLOCK = GroupAttention.BLOCK;
  private static final int VECTOR_BYTES = WeightVector.LANES * Float.BYTES;
  private static final int QUERY = 16;
  private static final int KEY = 20;

  private GroupScoreCode() {}

  static void code(Assembler code, int queries, WeightVector type, Ahead ahead) {
    int keys = GroupAttention.keys(queries);
    Register[] fours = {R10, RBX, R12, R13};
    code.push(KEPT);
    DotCode.takeApart(code, R15);
    code.lea(R14, Address.at(RSI, RSI, 2));
    if (queries > 1) {
      code.mov(R12, R8);
      code.shl(R12, Integer.numberOfTrailingZeros(Float.BYTES));
      code.lea(R13, Address.at(R12, R12, 2));
    }
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
    for (int four = 1; four < keys / FOUR; four++) {
      code.lea(fours[four], Address.at(fours[four - 1], R15, 1));
    }
    code.mov(R11, RCX);
    code.mov(RAX, R8);
    code.shr(RAX, Integer.numberOfTrailingZeros(WeightVector.LANES));
    int few = code.jz();
    int next = code.here();
    products(code, queries, type, ahead, fours, 0);
    for (int four = 0; four < keys / FOUR; four++) {
      code.add(fours[four], type.bytes());
    }
    code.add(R11, VECTOR_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, WeightVector.LANES - 1);
    int whole = code.jz();
    products(code, queries, type, ahead, fours, 1);
    code.land(whole);
    LaneSums.emit(code);
    code.vmovups(Address.at(R9, 0), 0);
    code.add(R9, BLOCK * Float.BYTES);
    for (int four = 0; four < keys / FOUR; four++) {
      code.add(RDI, R15);
    }
    code.dec(RDX);
    code.jnz(nextBlock);
    code.pop(KEPT);
    code.vzeroupper();
    code.ret();
  }

  /** A vector of columns of all keys of a block with that of all queries. */
  private static void products(Assembler code, int queries, WeightVector type, Ahead ahead, Register[] fours, int mask) {
    int keys = GroupAttention.keys(queries);
    for (int q = 0; q < queries; q++) {
      code.vmovups(QUERY + q, mask, row(R11, R12, R13, q));
    }
    for (int k = 0; k < keys; k++) {
      Address key = row(fours[k / FOUR], RSI, R14, k % FOUR);
      type.load(code, KEY + k % FOUR, mask, key);
      if (mask == 0) {
        ahead.soon(code, key.plus(ahead.soonBytes()));
      }
      for (int q = 0; q < queries; q++) {
        code.vfmadd231ps(q * keys + k, QUERY + q, KEY + k % FOUR);
      }
    }
  }

  /** @param thrice three times the bytes that rows are apart */
  private static Address row(Register first, Register apart, Register thrice, int row) {
    return switch (row) {
      case 0 -> Address.at(first, 0);
      case 1 -> Address.at(first, apart, 1);
      case 2 -> Address.at(first, apart, 2);
      default -> Address.at(first, thrice, 1);
    };
  }
}
