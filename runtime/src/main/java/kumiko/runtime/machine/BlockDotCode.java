package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;

/**
 * {@link DotCode} for weights in blocks, whose columns are whole blocks; RCX what {@link BlockPackCode} made of the float32. The bytes of a
 * number meet the weights one after the other, and what is summed so far counts 2^8 times as much each time.
 */
final class BlockDotCode {
  private static final int VECTOR_BYTES = 64;
  private static final int SCALE = 16;
  private static final int WEIGHTS = 18;
  private static final int SUM = 20;
  private static final int LOWEST = 21;
  private static final int WEIGHT_TABLE = 28;
  private static final int SCALE_TABLE = 29;

  private BlockDotCode() {}

  static byte[] code(WeightBlock type) {
    Assembler code = new Assembler();
    DotCode.begin(code);
    int tables = code.leaAhead(R10);
    code.vmovups(WEIGHT_TABLE, Address.at(R10, 0));
    code.vmovups(SCALE_TABLE, Address.at(R10, VECTOR_BYTES));
    type.prepareDigits(code);
    tailMasks(code, type);
    int nextRow = code.here();
    code.vpxord(0);
    code.mov(R10, RDI);
    code.mov(R11, RCX);
    code.mov(RAX, R8);
    code.shr(RAX, Integer.numberOfTrailingZeros(type.groupColumns()));
    int few = code.jz();
    int next = code.here();
    DotCode.prefetch(code, type.groupBytes());
    group(code, type, false);
    code.add(R10, type.groupBytes());
    code.add(R11, type.packedBytes());
    code.dec(RAX);
    code.jnz(next);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, type.groupColumns() - 1);
    int whole = code.jz();
    group(code, type, true);
    code.land(whole);
    DotCode.sumLanes(code);
    DotCode.addAndGoOn(code, nextRow);
    code.land(tables);
    code.put(weightTable(type));
    code.put(scaleTable(type));
    return code.toBytes();
  }

  /** Masks 1 and 2: which bytes of the last group there are, from its beginning and from where the second half of the table begins. */
  private static void tailMasks(Assembler code, WeightBlock type) {
    code.mov(RAX, R8);
    code.and(RAX, type.groupColumns() - 1);
    // Twice the blocks, times half their bytes, which are a power of two and one.
    code.shr(RAX, Integer.numberOfTrailingZeros(WeightBlock.COLUMNS) - 1);
    code.mov(R11, RAX);
    code.shl(R11, Integer.numberOfTrailingZeros(type.bytes() / 2 - 1));
    code.add(RAX, R11);
    code.mov(R11, -1L);
    code.bzhi(R10, R11, RAX);
    code.kmovq(1, R10);
    code.add(RAX, -type.tableStep());
    code.bzhi(R10, R11, RAX);
    code.kmovq(2, R10);
  }

  private static void group(Assembler code, WeightBlock type, boolean masked) {
    Address second = Address.at(R10, type.tableStep());
    if (masked) {
      code.vmovdqu8(WEIGHTS, 1, Address.at(R10, 0));
      code.vmovdqu8(WEIGHTS + 1, 2, second);
    } else {
      code.vmovups(WEIGHTS, Address.at(R10, 0));
    }
    code.vpermw(SCALE, SCALE_TABLE, WEIGHTS);
    code.vcvtph2ps(SCALE, SCALE);
    if (masked) {
      code.vpermt2b(WEIGHTS, WEIGHT_TABLE, WEIGHTS + 1);
    } else {
      code.vpermt2b(WEIGHTS, WEIGHT_TABLE, second);
    }
    type.digits(code, WEIGHTS);
    int planes = WeightBlock.DIGITS * type.halves();
    code.vpxord(SUM);
    code.vmovups(LOWEST, Address.at(R11, planes * VECTOR_BYTES));
    for (int p = 0; p < planes; p++) {
      if (p > 0 && p % type.halves() == 0) {
        code.vpslld(SUM, SUM, Byte.SIZE);
      }
      int sum = p < planes - type.halves() ? SUM : LOWEST;
      code.vpdpbusd(sum, WEIGHTS + p % type.halves(), Address.at(R11, p * VECTOR_BYTES));
    }
    code.vpaddd(SUM, SUM, LOWEST);
    code.vcvtdq2ps(SUM, SUM);
    code.vmulps(SCALE, SCALE, Address.at(R11, (planes + 1) * VECTOR_BYTES));
    code.vfmadd231ps(0, SUM, SCALE);
  }

  /** Where the bytes behind each scale stand: below 64 from the group's beginning, from 64 on from {@link WeightBlock#tableStep}. */
  private static byte[] weightTable(WeightBlock type) {
    byte[] table = new byte[VECTOR_BYTES];
    int bytes = type.bytes() - WeightBlock.SCALE_BYTES;
    for (int i = 0; i < VECTOR_BYTES; i++) {
      int at = i / bytes * type.bytes() + WeightBlock.SCALE_BYTES + i % bytes;
      table[i] = (byte) (at < VECTOR_BYTES ? at : VECTOR_BYTES + at - type.tableStep());
    }
    return table;
  }

  /** The scale of the block that each lane of 32 bits belongs to, in words from the group's beginning. */
  private static byte[] scaleTable(WeightBlock type) {
    byte[] table = new byte[VECTOR_BYTES];
    for (int lane = 0; lane < WeightVector.LANES; lane++) {
      table[Short.BYTES * lane] = (byte) (lane * type.together() / WeightVector.LANES * type.bytes() / Short.BYTES);
    }
    return table;
  }
}
