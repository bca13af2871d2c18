package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * Values weighted by the exponentials of 1, 2 or 4 queries, in the blocks of {@link GroupAttention}: RDI exponentials, RSI values, RDX bytes of
 * a row, RCX blocks of keys from four places in its upper half and below it keys behind them, R8 results, R9 the columns of the last strip, as
 * bits, then three times the bytes from one place to the next, which are in R10.
 */
final class GroupMixCode {
  private static final int QUERY = 16;
  private static final int KEY = 20;

  private GroupMixCode() {}

  static void code(Assembler code, int queries, int strips, WeightVector type, Ahead ahead, int lastMask) {
    int keys = GroupAttention.keys(queries);
    // So many sums that no product waits for the one before.
    int sets = queries == 1 ? 2 : 1;
    code.kmovw(1, R9);
    code.mov(R11, RDI);
    for (int i = 0; i < sets * queries * strips; i++) {
      code.vpxord(i);
    }
    code.mov(RAX, RCX);
    code.shr(RAX, Integer.SIZE);
    int none = code.jz();
    code.mov(R10, RDX);
    code.imul(R10, RAX);
    code.shl(R10, Integer.numberOfTrailingZeros(keys / GroupScoreCode.FOUR));
    code.lea(R9, Address.at(R10, R10, 2));
    int next = code.here();
    for (int k = 0; k < keys; k++) {
      addKey(code, queries, strips, type, ahead, place(k % GroupScoreCode.FOUR), lastMask, k % sets, k);
      if (k % GroupScoreCode.FOUR == GroupScoreCode.FOUR - 1) {
        code.add(RSI, RDX);
      }
    }
    code.add(RDI, GroupAttention.BLOCK_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.add(RSI, R9);
    code.land(none);
    code.shl(RCX, Integer.SIZE);
    code.shr(RCX, Integer.SIZE);
    code.mov(RAX, RCX);
    code.shr(RAX, Integer.numberOfTrailingZeros(keys));
    int few = code.jz();
    next = code.here();
    for (int k = 0; k < keys; k++) {
      addKey(code, queries, strips, type, ahead, place(0), lastMask, k % sets, k);
      code.add(RSI, RDX);
    }
    code.add(RDI, GroupAttention.BLOCK_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.and(RCX, keys - 1);
    int whole = code.jz();
    next = code.here();
    addKey(code, queries, strips, type, ahead, place(0), lastMask, 0, 0);
    code.add(RSI, RDX);
    code.add(RDI, Float.BYTES);
    code.dec(RCX);
    code.jnz(next);
    code.land(whole);
    for (int q = 0; q < queries; q++) {
      code.vbroadcastss(KEY, Address.at(R11, GroupAttention.FACTORS - GroupAttention.STATE_BYTES + q * Float.BYTES));
      for (int s = 0; s < strips; s++) {
        int sum = q * strips + s;
        if (sets == 2) {
          code.vaddps(sum, sum, strips + sum);
        }
        code.vmulps(sum, sum, KEY);
        code.vmovups(Address.at(R8, s * PanelLayout.STRIP_BYTES), s == strips - 1 ? lastMask : 0, sum);
      }
      for (int bytes = 0; bytes < PanelLayout.STRIP_BYTES; bytes += type.bytes()) {
        code.add(R8, RDX);
      }
    }
    code.vzeroupper();
    code.ret();
  }

  private static Address place(int index) {
    return index == GroupScoreCode.FOUR - 1 ? Address.at(RSI, R9, 1) : index == 0 ? Address.at(RSI, 0) : Address.at(RSI, R10, index);
  }

  /** A row of values, weighted by exponential k of every query of the block at RDI. */
  private static void addKey(
      Assembler code, int queries, int strips, WeightVector type, Ahead ahead, Address row, int lastMask, int set, int k) {
    for (int s = 0; s < strips; s++) {
      Address value = row.plus(s * type.bytes());
      type.load(code, QUERY + s, s == strips - 1 ? lastMask : 0, value);
      ahead.soon(code, value.plus(ahead.soonBytes()));
    }
    for (int q = 0; q < queries; q++) {
      code.vbroadcastss(KEY + q, Address.at(RDI, (q * GroupAttention.keys(queries) + k) * Float.BYTES));
      for (int s = 0; s < strips; s++) {
        code.vfmadd231ps((set * queries + q) * strips + s, QUERY + s, KEY + q);
      }
    }
  }
}
