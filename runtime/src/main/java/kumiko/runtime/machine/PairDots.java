package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;

import java.util.List;
import kumiko.runtime.tensor.DType;

/**
 * {@link BfloatDots} with activations rounded to bf16, by {@code vdpbf16ps} (AVX512BW, AVX512_BF16, BMI2): a quarter of the instructions of
 * {@link SplitDots}, and half of its bytes of activations, which leave the nearest cache to the weights.
 */
final class PairDots implements BfloatDots {
  private static final int SUMS = 4;
  private static final int COLUMNS = RowRounding.COLUMNS;
  private static final int GROUP = SUMS * COLUMNS;
  private static final int VECTOR_BYTES = COLUMNS * Short.BYTES;
  private static final int WEIGHT = 16;

  private final RowRounding rounding;
  private final Ahead ahead;
  private final Routine dots;

  PairDots(RowRounding rounding, Ahead ahead, CodeInstaller installer) throws SystemCalls.Refused {
    this.rounding = rounding;
    this.ahead = ahead;
    dots = installer.install(List.of(code(ahead))).getFirst();
  }

  @Override
  public int pieceColumns() {
    return ahead.activationBytes() / Short.BYTES;
  }

  @Override
  public long packedBytes(int columns) {
    return (long) Math.ceilDiv(columns, COLUMNS) * VECTOR_BYTES;
  }

  @Override
  public void pack(long x, int columns, long to) {
    rounding.round(x, 0, 1, columns, to, 0);
  }

  @Override
  public void dots(long weights, long stride, int rows, long packed, int columns, long y) {
    dots.call(weights, stride, rows, packed, DotCode.columns(DType.BF16, columns, stride, ahead), y);
  }

  /** As {@link DotCode}, with RCX packed. */
  private static byte[] code(Ahead ahead) {
    Assembler code = new Assembler();
    DotCode.begin(code);
    code.mov(RAX, R8);
    code.and(RAX, COLUMNS - 1);
    code.mov(R10, -1L);
    code.bzhi(R10, R10, RAX);
    code.kmovd(1, R10);
    int nextRow = code.here();
    for (int i = 0; i < SUMS; i++) {
      code.vpxord(i);
    }
    code.mov(R10, RDI);
    code.mov(R11, RCX);
    code.mov(RAX, R8);
    code.shr(RAX, Integer.numberOfTrailingZeros(GROUP));
    int few = code.jz();
    int nextGroup = code.here();
    DotCode.ask(code, ahead, SUMS * VECTOR_BYTES, true);
    for (int i = 0; i < SUMS; i++) {
      multiply(code, i, 0, i * VECTOR_BYTES);
    }
    code.add(R10, SUMS * VECTOR_BYTES);
    code.add(R11, SUMS * VECTOR_BYTES);
    code.dec(RAX);
    code.jnz(nextGroup);
    code.land(few);
    code.mov(RAX, R8);
    code.and(RAX, GROUP - 1);
    code.shr(RAX, Integer.numberOfTrailingZeros(COLUMNS));
    int none = code.jz();
    int nextVector = code.here();
    multiply(code, 0, 0, 0);
    code.add(R10, VECTOR_BYTES);
    code.add(R11, VECTOR_BYTES);
    code.dec(RAX);
    code.jnz(nextVector);
    code.land(none);
    code.mov(RAX, R8);
    code.and(RAX, COLUMNS - 1);
    int whole = code.jz();
    multiply(code, 1, 1, 0);
    code.land(whole);
    DotCode.sumAll(code);
    DotCode.addAndGoOn(code, nextRow);
    return code.toBytes();
  }

  private static void multiply(Assembler code, int sum, int mask, int at) {
    code.vmovdqu16(WEIGHT + sum, mask, Address.at(R10, at));
    code.vdpbf16ps(sum, WEIGHT + sum, Address.at(R11, at));
  }
}
