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
 * {@link PanelProduct} in vector registers: up to six rows of weights by four strips of lanes in 24 of them; for each element a vector of
 * each strip is loaded and one of each weight broadcast, straight from the rows. Where there are {@link HalvedAssembler fewer} it is one
 * strip after the other.
 */
final class BroadcastProduct implements PanelProduct {
  /** Rows of weights at once: with four strips they fill 24 of 32 registers. */
  private static final int ROWS = 6;

  private static final int WEIGHT_REGISTERS = 4;

  /** Elements of a piece: where pieces are summed apart, errors of rounding stay as small as those of short sums. */
  private static final int DEPTH = 256;

  /** Elements in a turn of the loop, while there are as many. */
  private static final int TOGETHER = 4;

  private final PanelElement element;

  /** Strips at once. */
  private final int together;

  /** By rows and strips of the panel, both from 1. */
  private final Routine[][] routines = new Routine[ROWS + 1][PanelLayout.STRIPS + 1];

  private final Routine registers;

  BroadcastProduct(PanelElement element, CodeInstaller installer) {
    this.element = element;
    together = installer.vectors() < Assembler.VECTORS ? 1 : PanelLayout.STRIPS;
    for (int i = 0; i < ROWS * PanelLayout.STRIPS; i++) {
      int rows = 1 + i / PanelLayout.STRIPS;
      int strips = 1 + i % PanelLayout.STRIPS;
      routines[rows][strips] = installer.install(code -> code(code, element, rows, strips, Math.min(strips, together)));
    }
    registers = installer.install(code -> registerCode(code, element, together));
  }

  @Override
  public String instructions() {
    return element.instructions();
  }

  @Override
  public void multiply(long panel, int strips, long weights, long stride, int rows, int columns, long tile) {
    int elements = Math.ceilDiv(columns, element.columns());
    for (int i = 0; i < rows; i += ROWS) {
      Routine routine = routines[Math.min(ROWS, rows - i)][strips];
      long row = weights + i * stride;
      long results = tile + (long) i * PanelLayout.TILE_BYTES;
      for (int k = 0; k < elements; k += DEPTH) {
        int left = columns - k * element.columns();
        int whole = Math.min(DEPTH, left / element.columns());
        int single = whole < DEPTH ? left % element.columns() : 0;
        long from = panel + (long) k * strips * PanelLayout.STRIP_BYTES;
        for (int s = 0; s < strips; s += together) {
          long bytes = (long) s * PanelLayout.STRIP_BYTES;
          routine.call(from + bytes, row + (long) k * PanelElement.BYTES, stride, whole, results + bytes, single);
        }
      }
    }
  }

  @Override
  public long multiplyRegisters(long operands, int steps) {
    registers.call(operands, 0, 0, steps, 0, 0);
    return 2L * steps * ROWS * together * PanelLayout.STRIP * element.columns();
  }

  /** RDI operands, RCX steps: the sums of a full tile. */
  private static void registerCode(Assembler code, PanelElement element, int together) {
    int panel = ROWS * together;
    int weights = together == 1 ? panel : panel + together;
    int count = together == 1 ? 1 : WEIGHT_REGISTERS;
    for (int i = 0; i < weights + count; i++) {
      element.broadcast(code, i, Address.at(RDI, 0));
    }
    int top = code.here();
    for (int i = 0; i < panel; i++) {
      element.multiply(code, i, panel + i % together, weights + i / together % count);
    }
    code.dec(RCX);
    code.jnz(top);
    code.vzeroupper();
    code.ret();
  }

  /** RDI panel, RSI weights, RDX stride, RCX elements, R8 tile, R9 whether a single column follows. */
  private static void code(Assembler code, PanelElement element, int rows, int strips, int taken) {
    code.lea(RAX, Address.at(RDX, RDX, 2));
    code.lea(R10, Address.at(RDX, RDX, 4));
    for (int i = 0; i < rows * taken; i++) {
      if (element.sumsApart()) {
        code.vpxord(i);
      } else {
        code.vmovups(i, result(i, taken));
      }
    }
    elements(code, element, rows, strips, taken, TOGETHER);
    elements(code, element, rows, strips, taken, 1);
    if (element.columns() > 1) {
      last(code, element, rows, taken);
    }
    for (int i = 0; i < rows * taken; i++) {
      if (element.sumsApart()) {
        code.vaddps(i, i, result(i, taken));
      }
      code.vmovups(result(i, taken), i);
    }
    code.vzeroupper();
    code.ret();
  }

  private static Address result(int i, int taken) {
    return Address.at(R8, i / taken * PanelLayout.TILE_BYTES + i % taken * PanelLayout.STRIP_BYTES);
  }

  /** As many turns of {@code together} elements as there are; what is left stays in RCX. */
  private static void elements(Assembler code, PanelElement element, int rows, int strips, int taken, int together) {
    code.mov(R11, RCX);
    if (together > 1) {
      code.and(RCX, together - 1);
      code.shr(R11, Integer.numberOfTrailingZeros(together));
    }
    code.test(R11, R11);
    int none = code.jz();
    int top = code.here();
    for (int k = 0; k < together; k++) {
      loadPanel(code, k * strips, taken);
      for (int i = 0; i < rows; i++) {
        Address weight = address(i).plus(k * PanelElement.BYTES);
        if (hasFew(code)) {
          element.multiplyEach(code, i, panel(code), weight);
        } else {
          element.broadcast(code, weight(i), weight);
          multiply(code, element, i, taken);
        }
      }
    }
    code.add(RDI, together * strips * PanelLayout.STRIP_BYTES);
    code.add(RSI, together * PanelElement.BYTES);
    code.dec(R11);
    code.jnz(top);
    code.land(none);
  }

  private static void last(Assembler code, PanelElement element, int rows, int taken) {
    code.test(R9, R9);
    int even = code.jz();
    PanelElement.prepareLast(code);
    loadPanel(code, 0, taken);
    for (int i = 0; i < rows; i++) {
      element.broadcastLast(code, weight(i), address(i));
      multiply(code, element, i, taken);
    }
    code.land(even);
  }

  /** The vectors at {@code k} strips of the panel, behind those of the sums. */
  private static void loadPanel(Assembler code, int k, int taken) {
    for (int s = 0; s < taken; s++) {
      code.vmovups(panel(code) + s, Address.at(RDI, (k + s) * PanelLayout.STRIP_BYTES));
    }
  }

  private static void multiply(Assembler code, PanelElement element, int row, int taken) {
    for (int s = 0; s < taken; s++) {
      element.multiply(code, row * taken + s, panel(code) + s, weight(row));
    }
  }

  private static boolean hasFew(Assembler code) {
    return code.vectors() < Assembler.VECTORS;
  }

  private static int panel(Assembler code) {
    return hasFew(code) ? ROWS : ROWS * PanelLayout.STRIPS;
  }

  private static int weight(int row) {
    return (ROWS + 1) * PanelLayout.STRIPS + row % WEIGHT_REGISTERS;
  }

  private static Address address(int row) {
    return switch (row) {
      case 0 -> Address.at(RSI, 0);
      case 1 -> Address.at(RSI, RDX, 1);
      case 2 -> Address.at(RSI, RDX, 2);
      case 3 -> Address.at(RSI, RAX, 1);
      case 4 -> Address.at(RSI, RDX, 4);
      default -> Address.at(RSI, R10, 1);
    };
  }
}
