package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;

/** {@link DotCode} for weights in blocks; columns are whole blocks. */
final class BlockDotCode {
  private static final int BLOCK = 2 * WeightVector.LANES;

  /** Blocks in a turn of the loop, each with a sum and registers of its own. */
  private static final int TOGETHER = 4;

  private static final int SCALE = 4;
  private static final int PRODUCT = 8;
  private static final int WEIGHT = 16;

  private BlockDotCode() {}

  static byte[] code(WeightBlock type) {
    Assembler code = new Assembler();
    type.prepare(code);
    int nextRow = code.here();
    for (int i = 0; i < TOGETHER; i++) {
      code.vpxord(i);
    }
    code.mov(R10, RDI);
    code.mov(R11, RCX);
    code.mov(RAX, R8);
    code.shr(RAX, Integer.numberOfTrailingZeros(TOGETHER * BLOCK));
    int few = code.jz();
    blocks(code, type, TOGETHER);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, TOGETHER * BLOCK - BLOCK);
    int whole = code.jz();
    code.shr(RAX, Integer.numberOfTrailingZeros(BLOCK));
    blocks(code, type, 1);
    code.land(whole);
    code.vaddps(0, 0, 1);
    code.vaddps(2, 2, 3);
    code.vaddps(0, 0, 2);
    DotCode.sumLanes(code);
    DotCode.addAndGoOn(code, nextRow);
    return code.toBytes();
  }

  private static void blocks(Assembler code, WeightBlock type, int count) {
    int next = code.here();
    DotCode.prefetch(code, count * type.bytes());
    for (int i = 0; i < count; i++) {
      int weight = WEIGHT + 2 * i;
      Address block = Address.at(R10, i * type.bytes());
      Address factors = Address.at(R11, i * Float.BYTES * BLOCK);
      type.load(code, weight, block);
      type.scale(code, SCALE + i, block);
      code.vmulps(PRODUCT + i, weight, factors);
      code.vfmadd231ps(PRODUCT + i, weight + 1, factors.plus(Float.BYTES * WeightVector.LANES));
      code.vfmadd231ps(i, PRODUCT + i, SCALE + i);
    }
    code.add(R10, count * type.bytes());
    code.add(R11, count * Float.BYTES * BLOCK);
    code.dec(RAX);
    code.jnz(next);
  }
}
