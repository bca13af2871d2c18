package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import kumiko.runtime.tensor.DType;

/**
 * {@link BfloatDots} with float32, by AVX-512 (F, BW) and BMI2. An element of 32 bits holds two weights: its upper half is the odd one as
 * float32, and its lower half, shifted up, the even one. So float32 of even and of odd columns are laid apart: for every 32 columns the
 * even ones, then the odd ones, filled up with zeros to whole {@value #GROUP}.
 */
final class SplitDots implements BfloatDots {
  private static final int GROUP = 64;
  private static final int VECTOR_BYTES = 64;
  private static final int VECTORS = GROUP / WeightVector.LANES;

  private static final int WEIGHT = 16;
  private static final int FACTOR = 24;
  private static final int UPPER_HALVES = 31;
  private static final int EVEN = 30;
  private static final int ODD = 29;

  private final int pieceColumns;
  private final Routine pack;
  private final RowRoutines dots;

  SplitDots(Ahead ahead, int nearestCache, CodeInstaller installer) {
    pieceColumns = ahead.activationBytes(nearestCache) / Float.BYTES;
    pack = installer.install(SplitDots::packCode);
    dots = RowRoutines.of((code, streams) -> dotCode(code, ahead, streams), ahead, installer);
  }

  @Override
  public int pieceColumns() {
    return pieceColumns;
  }

  @Override
  public long packedBytes(int columns) {
    return (long) Math.ceilDiv(columns, GROUP) * GROUP * Float.BYTES;
  }

  @Override
  public void pack(long x, int columns, long to) {
    pack.call(x, columns / GROUP, columns % GROUP, to, 0, 0);
  }

  @Override
  public void dots(long weights, long stride, int rows, long packed, int columns, long y) {
    dots.dots(DType.BF16, weights, stride, rows, packed, columns, y);
  }

  /** RDI float32, RSI groups, RDX columns behind them, RCX where they go. */
  private static void packCode(Assembler code) {
    int tables = code.leaAhead(R10);
    code.vmovups(EVEN, Address.at(R10, 0));
    code.vmovups(ODD, Address.at(R10, VECTOR_BYTES));
    code.test(RSI, RSI);
    int none = code.jz();
    int next = code.here();
    packGroup(code, false);
    code.add(RDI, GROUP * Float.BYTES);
    code.add(RCX, GROUP * Float.BYTES);
    code.dec(RSI);
    code.jnz(next);
    code.land(none);
    code.test(RDX, RDX);
    int whole = code.jz();
    code.mov(RAX, -1L);
    code.bzhi(RAX, RAX, RDX);
    for (int v = 0; v < VECTORS; v++) {
      code.kmovw(1 + v, RAX);
      code.shr(RAX, WeightVector.LANES);
    }
    packGroup(code, true);
    code.land(whole);
    code.vzeroupper();
    code.ret();
    code.land(tables);
    for (int first = 0; first < 2; first++) {
      for (int lane = 0; lane < WeightVector.LANES; lane++) {
        code.putInt(2 * lane + first);
      }
    }
  }

  private static void packGroup(Assembler code, boolean masked) {
    for (int v = 0; v < VECTORS; v++) {
      code.vmovups(v, masked ? 1 + v : 0, Address.at(RDI, v * VECTOR_BYTES));
    }
    for (int v = 0; v < VECTORS; v += 2) {
      code.vmovups(WEIGHT, v);
      code.vpermt2ps(WEIGHT, EVEN, v + 1);
      code.vpermt2ps(v, ODD, v + 1);
      code.vmovups(Address.at(RCX, v * VECTOR_BYTES), WEIGHT);
      code.vmovups(Address.at(RCX, (v + 1) * VECTOR_BYTES), v);
    }
  }

  /** As {@link DotCode}, with RCX packed. */
  private static void dotCode(Assembler code, Ahead ahead, int streams) {
    DotCode.begin(code, streams);
    code.mov(RAX, 0xffff_0000);
    code.vpbroadcastd(UPPER_HALVES, RAX);
    code.mov(RAX, R8);
    code.and(RAX, GROUP - 1);
    code.mov(R10, -1L);
    code.bzhi(R10, R10, RAX);
    code.kmovd(1, R10);
    code.shr(R10, Integer.SIZE);
    code.kmovd(2, R10);
    Pages pages = DotCode.pages(ahead, streams, GROUP * Short.BYTES);
    Runnable rest = () -> products(code, Requests.NONE, true, streams);
    int nextRow = DotCode.row(code, streams, GROUP, pages, () -> group(code, ahead, streams), rest);
    DotCode.addAndGoOn(code, streams, nextRow);
  }

  private static void group(Assembler code, Ahead ahead, int streams) {
    products(code, DotCode.requests(code, ahead, streams, GROUP * Short.BYTES, DType.BF16, VECTORS / 2 * streams), false, streams);
    code.add(R10, GROUP * Short.BYTES);
    code.add(R11, GROUP * Float.BYTES);
  }

  private static void products(Assembler code, Requests requests, boolean masked, int streams) {
    for (int v = 0; v < VECTORS; v += 2) {
      Address even = Address.at(R11, v * VECTOR_BYTES);
      Address odd = Address.at(R11, (v + 1) * VECTOR_BYTES);
      if (streams > 1) {
        code.vmovups(FACTOR, even);
        code.vmovups(FACTOR + 1, odd);
      }
      for (int s = 0; s < streams; s++) {
        int weight = WEIGHT + (streams == 1 ? v : 2 * s);
        int sum = DotCode.sum(s) + v;
        requests.turn(v / 2 * streams + s);
        code.vmovdqu16(weight + 1, masked ? 1 + v / 2 : 0, DotCode.weights(R10, s).plus(v / 2 * VECTOR_BYTES));
        code.vpslld(weight, weight + 1, Short.SIZE);
        code.vpandd(weight + 1, weight + 1, UPPER_HALVES);
        if (streams == 1) {
          code.vfmadd231ps(sum, weight, even);
          code.vfmadd231ps(sum + 1, weight + 1, odd);
        } else {
          code.vfmadd231ps(sum, weight, FACTOR);
          code.vfmadd231ps(sum + 1, weight + 1, FACTOR + 1);
        }
      }
    }
  }
}
