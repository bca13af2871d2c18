package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;

/**
 * {@link DotCode} for weights in blocks, whose columns are whole blocks; RCX what {@link BlockPackCode} made of the float32. The digits of a
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

  /** Groups from one step of the loop to the next: with one, most lines of memory would be asked for twice. */
  private static final int GROUPS = 4;

  /** Masks: elements of one block of a group; then, of a row's last group, the bytes with scales, the elements of its second block, and so on. */
  private static final int ONE_BLOCK = 1;

  private static final int LAST_SCALES = 2;
  private static final int LAST_SECOND = 3;

  /** Elements of a vector that a block fills, of a size that masks can tell apart. */
  private static final int ELEMENTS = 4;

  private BlockDotCode() {}

  static byte[] code(WeightBlock type, int digits) {
    Assembler code = new Assembler();
    DotCode.begin(code);
    int tables = code.leaAhead(R10);
    code.vmovups(SCALE_TABLE, Address.at(R10, 0));
    code.vmovups(WEIGHT_TABLE, Address.at(R10, VECTOR_BYTES));
    type.prepareDigits(code);
    masks(code, type);
    int nextRow = code.here();
    code.vpxord(0);
    code.mov(R10, RDI);
    code.mov(R11, RCX);
    groups(code, type, digits, GROUPS);
    groups(code, type, digits, 1);
    code.mov(RAX, R8);
    code.and(RAX, type.groupColumns() - 1);
    int whole = code.jz();
    group(code, type, digits, 0, true);
    code.land(whole);
    DotCode.sumLanes(code);
    DotCode.addAndGoOn(code, nextRow);
    code.land(tables);
    code.put(scaleTable(type));
    code.put(type.gatherTable());
    return code.toBytes();
  }

  /** As often as a row has {@code count} groups; where it is one, fewer than {@link #GROUPS}. */
  private static void groups(Assembler code, WeightBlock type, int digits, int count) {
    code.mov(RAX, R8);
    code.shr(RAX, Integer.numberOfTrailingZeros(count * type.groupColumns()));
    if (count == 1) {
      code.and(RAX, GROUPS - 1);
    }
    int none = code.jz();
    int next = code.here();
    DotCode.prefetchTwice(code, count * type.groupBytes());
    for (int g = 0; g < count; g++) {
      group(code, type, digits, g, false);
    }
    code.add(R10, count * type.groupBytes());
    code.add(R11, count * type.packedBytes(digits));
    code.dec(RAX);
    code.jnz(next);
    code.land(none);
  }

  private static void masks(Assembler code, WeightBlock type) {
    code.mov(RAX, ((1 << ELEMENTS) - 1) << (type.gatheredAlone() * ELEMENTS));
    code.kmovw(ONE_BLOCK, RAX);
    code.mov(RAX, R8);
    code.and(RAX, type.groupColumns() - 1);
    // Twice the blocks, times half their bytes, which are a power of two and one.
    code.shr(RAX, Integer.numberOfTrailingZeros(WeightBlock.COLUMNS) - 1);
    code.mov(R11, RAX);
    code.shl(R11, Integer.numberOfTrailingZeros(type.bytes() / 2 - 1));
    code.add(R11, RAX);
    code.mov(R10, -1L);
    code.bzhi(R11, R10, R11);
    code.kmovq(LAST_SCALES, R11);
    code.add(RAX, RAX);
    code.bzhi(R10, R10, RAX);
    for (int b = 1; b < type.together(); b++) {
      code.shr(R10, ELEMENTS);
      code.mov(RAX, R10);
      code.and(RAX, (1 << ELEMENTS) - 1);
      code.shl(RAX, b * ELEMENTS);
      code.kmovw(LAST_SECOND + b - 1, RAX);
    }
  }

  private static void group(Assembler code, WeightBlock type, int digits, int number, boolean last) {
    Address weights = Address.at(R10, number * type.groupBytes());
    Address packed = Address.at(R11, number * type.packedBytes(digits));
    if (last) {
      code.vmovdqu8(SCALE, LAST_SCALES, weights);
      code.vpermw(SCALE, SCALE_TABLE, SCALE);
      for (int b = 0; b < type.together(); b++) {
        type.broadcast(code, WEIGHTS, b == 0 ? 0 : LAST_SECOND + b - 1, weights.plus(b * type.bytes() + WeightBlock.SCALE_BYTES));
      }
    } else {
      code.vpermw(SCALE, SCALE_TABLE, weights);
      type.gather(code, WEIGHTS, WEIGHT_TABLE, ONE_BLOCK, weights);
    }
    code.vcvtph2ps(SCALE, SCALE);
    type.digits(code, WEIGHTS);
    int planes = digits * type.halves();
    code.vpxord(SUM);
    code.vmovups(LOWEST, packed.plus(planes * VECTOR_BYTES));
    for (int p = 0; p < planes; p++) {
      if (p > 0 && p % type.halves() == 0) {
        code.vpslld(SUM, SUM, Byte.SIZE);
      }
      int sum = p < planes - type.halves() ? SUM : LOWEST;
      code.vpdpbusd(sum, WEIGHTS + p % type.halves(), packed.plus(p * VECTOR_BYTES));
    }
    code.vpaddd(SUM, SUM, LOWEST);
    code.vcvtdq2ps(SUM, SUM);
    code.vmulps(SCALE, SCALE, packed.plus((planes + 1) * VECTOR_BYTES));
    code.vfmadd231ps(0, SUM, SCALE);
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
