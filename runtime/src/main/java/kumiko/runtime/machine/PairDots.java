package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;

import kumiko.runtime.tensor.DType;

/**
 * {@link BfloatDots} with activations rounded to bf16, by {@code vdpbf16ps} (AVX512BW, AVX512_BF16, BMI2): two instructions for 32
 * weights where {@link SplitDots} has five, and half of its bytes of activations, which leave the nearest cache to the weights.
 */
final class PairDots implements BfloatDots {
  private static final int SUMS = 4;
  private static final int COLUMNS = RowRounding.COLUMNS;
  private static final int GROUP = SUMS * COLUMNS;
  private static final int VECTOR_BYTES = COLUMNS * Short.BYTES;
  private static final int WEIGHT = 16;
  private static final int FACTOR = 20;

  private final RowRounding rounding;
  private final int pieceColumns;
  private final RowRoutines dots;

  PairDots(RowRounding rounding, Ahead ahead, int nearestCache, CodeInstaller installer) {
    this.rounding = rounding;
    pieceColumns = ahead.activationBytes(nearestCache) / Short.BYTES;
    dots = RowRoutines.of((code, streams) -> code(code, ahead, streams), ahead, installer);
  }

  @Override
  public int pieceColumns() {
    return pieceColumns;
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
    dots.dots(DType.BF16, weights, stride, rows, packed, columns, y);
  }

  /** As {@link DotCode}, with RCX packed. */
  private static void code(Assembler code, Ahead ahead, int streams) {
    DotCode.begin(code, streams);
    code.mov(RAX, R8);
    code.and(RAX, COLUMNS - 1);
    code.mov(R10, -1L);
    code.bzhi(R10, R10, RAX);
    code.kmovd(1, R10);
    Pages pages = DotCode.pages(ahead, streams, SUMS * VECTOR_BYTES);
    int nextRow = DotCode.row(code, streams, GROUP, pages, () -> group(code, ahead, streams), () -> rest(code, streams));
    DotCode.addAndGoOn(code, streams, nextRow);
  }

  private static void group(Assembler code, Ahead ahead, int streams) {
    Requests requests = DotCode.requests(code, ahead, streams, SUMS * VECTOR_BYTES, DType.BF16, SUMS * streams);
    for (int i = 0; i < SUMS; i++) {
      multiply(code, streams, i, 0, i * VECTOR_BYTES, requests);
    }
    code.add(R10, SUMS * VECTOR_BYTES);
    code.add(R11, SUMS * VECTOR_BYTES);
  }

  /** Vector by vector, and what fills none. */
  private static void rest(Assembler code, int streams) {
    code.shr(RAX, Integer.numberOfTrailingZeros(COLUMNS));
    int none = code.jz();
    int next = code.here();
    multiply(code, streams, 0, 0, 0, Requests.NONE);
    code.add(R10, VECTOR_BYTES);
    code.add(R11, VECTOR_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(none);
    code.mov(RAX, R8);
    code.and(RAX, COLUMNS - 1);
    int whole = code.jz();
    multiply(code, streams, 1, 1, 0, Requests.NONE);
    code.land(whole);
  }

  /** Of several places the row is loaded once: what is loaded beside weights stands in the way of those that arrive. */
  private static void multiply(Assembler code, int streams, int sum, int mask, int at, Requests requests) {
    Address packed = Address.at(R11, at);
    if (streams == 1) {
      requests.turn(sum);
      code.vmovdqu16(WEIGHT + sum, mask, Address.at(R10, at));
      code.vdpbf16ps(sum, WEIGHT + sum, packed);
      return;
    }
    code.vmovdqu16(FACTOR, 0, packed);
    for (int s = 0; s < streams; s++) {
      requests.turn(sum * streams + s);
      code.vmovdqu16(WEIGHT + s, mask, DotCode.weights(R10, s).plus(at));
      code.vdpbf16ps(DotCode.sum(s) + sum, WEIGHT + s, FACTOR);
    }
  }
}
