package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import java.util.EnumMap;
import java.util.Map;

/** Brings sums of {@link TileRows}, which lie without gaps, to where results belong (AVX512F). */
public final class SumDelivery {
  /** Vectors of a bias. */
  private static final int BIAS = 16;

  /** What becomes of sums. */
  public enum Delivery {
    /** They are added to the results. */
    ADD,
    /** They are put in the place of the results. */
    PUT,
    /** The same past the caches, which need not read what is overwritten: for results that are too many to stay there until they are read. */
    PUT_PAST
  }

  private final Map<Delivery, Routine> routines = new EnumMap<>(Delivery.class);

  SumDelivery(CodeInstaller installer) {
    for (Delivery delivery : Delivery.values()) {
      routines.put(delivery, installer.install(code -> code(code, delivery)));
    }
  }

  /**
   * {@code results[r, lane] += sums[r, lane]} for {@code lanes} lanes, or what {@link Delivery} says.
   *
   * @param sums address of the first lane of the first row
   * @param stride bytes from one row of results to the next
   * @param rows at least 1
   * @param bias address of what is added to every row, or 0
   */
  public void deliver(Delivery delivery, long sums, long results, long stride, int rows, int lanes, long bias) {
    routines.get(delivery).call(sums, results, stride, rows, (1L << lanes) - 1, bias);
  }

  /** Whether {@link Delivery#PUT_PAST} can write there: all lanes, of whole lines of memory. */
  public static boolean canPutPast(long results, long stride, int lanes) {
    return lanes == TileRows.STRIPS * PanelLayout.STRIP && (results | stride) % PanelLayout.STRIP_BYTES == 0;
  }

  /** RDI sums, RSI results, RDX their stride, RCX rows, R8 the lanes that there are, as bits, R9 bias or 0. */
  private static void code(Assembler code, Delivery delivery) {
    code.kmovw(1, R8);
    code.shr(R8, PanelLayout.STRIP);
    code.kmovw(2, R8);
    for (int s = 0; s < TileRows.STRIPS; s++) {
      code.vpxord(BIAS + s);
    }
    code.test(R9, R9);
    int none = code.jz();
    for (int s = 0; s < TileRows.STRIPS; s++) {
      code.vmovups(BIAS + s, 1 + s, Address.at(R9, s * PanelLayout.STRIP_BYTES));
    }
    code.land(none);
    int top = code.here();
    for (int s = 0; s < TileRows.STRIPS; s++) {
      Address result = Address.at(RSI, s * PanelLayout.STRIP_BYTES);
      code.vmovups(s, 1 + s, Address.at(RDI, s * PanelLayout.STRIP_BYTES));
      code.vaddps(s, s, BIAS + s);
      if (delivery == Delivery.ADD) {
        code.vmovups(TileRows.STRIPS + s, 1 + s, result);
        code.vaddps(s, s, TileRows.STRIPS + s);
      }
      if (delivery == Delivery.PUT_PAST) {
        code.vmovntps(result, s);
      } else {
        code.vmovups(result, 1 + s, s);
      }
    }
    code.add(RDI, TileRows.SUM_BYTES);
    code.add(RSI, RDX);
    code.dec(RCX);
    code.jnz(top);
    if (delivery == Delivery.PUT_PAST) {
      code.sfence();
    }
    code.vzeroupper();
    code.ret();
  }
}
