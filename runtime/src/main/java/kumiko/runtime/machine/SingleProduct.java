package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import java.util.ArrayList;
import java.util.List;

/**
 * {@link PanelProduct} of float32 by {@code vfmadd231ps} (AVX512F): up to six rows of weights by four strips of lanes in 24 registers; for
 * each column a vector of each strip is loaded and one of each weight broadcast.
 */
final class SingleProduct implements PanelProduct {
  /** Rows of weights at once: with four strips they fill 24 of 32 registers. */
  private static final int ROWS = 6;

  private static final int PANEL_REGISTER = ROWS * PanelLayout.STRIPS;
  private static final int WEIGHT_REGISTER = PANEL_REGISTER + PanelLayout.STRIPS;
  private static final int WEIGHT_REGISTERS = 4;

  /** Columns that are summed before the sum is added to others: the errors of rounding stay as small as those of short sums. */
  private static final int DEPTH = 256;

  /** Columns in a turn of the loop, while there are as many. */
  private static final int TOGETHER = 4;

  private static final long FLOPS = 2L * PanelLayout.STRIP;

  /** By rows and strips, both from 1. */
  private final Routine[][] routines = new Routine[ROWS + 1][PanelLayout.STRIPS + 1];

  private final Routine registers;

  SingleProduct(CodeInstaller installer) throws SystemCalls.Refused {
    List<byte[]> codes = new ArrayList<>();
    for (int rows = 1; rows <= ROWS; rows++) {
      for (int strips = 1; strips <= PanelLayout.STRIPS; strips++) {
        codes.add(code(rows, strips));
      }
    }
    codes.add(registerCode());
    List<? extends Routine> installed = installer.install(codes);
    for (int i = 0; i < codes.size() - 1; i++) {
      routines[1 + i / PanelLayout.STRIPS][1 + i % PanelLayout.STRIPS] = installed.get(i);
    }
    registers = installed.getLast();
  }

  @Override
  public String instructions() {
    return "avx512";
  }

  @Override
  public void multiply(long panel, int strips, long weights, long stride, int rows, int columns, long tile) {
    for (int i = 0; i < rows; i += ROWS) {
      Routine routine = routines[Math.min(ROWS, rows - i)][strips];
      long results = tile + (long) i * PanelLayout.TILE_BYTES;
      for (int k = 0; k < columns; k += DEPTH) {
        long from = panel + (long) k * strips * PanelLayout.STRIP_BYTES;
        routine.call(from, weights + i * stride + (long) k * Float.BYTES, stride, Math.min(DEPTH, columns - k), results, 0);
      }
    }
  }

  @Override
  public long multiplyRegisters(long operands, int steps) {
    registers.call(operands, 0, 0, steps, 0, 0);
    return (long) steps * PANEL_REGISTER * FLOPS;
  }

  /** RDI operands, RCX steps: the sums of a full tile. */
  private static byte[] registerCode() {
    Assembler code = new Assembler();
    for (int i = 0; i < WEIGHT_REGISTER + WEIGHT_REGISTERS; i++) {
      code.vbroadcastss(i, Address.at(RDI, 0));
    }
    int top = code.here();
    for (int i = 0; i < PANEL_REGISTER; i++) {
      code.vfmadd231ps(i, PANEL_REGISTER + i % PanelLayout.STRIPS, WEIGHT_REGISTER + i / PanelLayout.STRIPS % WEIGHT_REGISTERS);
    }
    code.dec(RCX);
    code.jnz(top);
    code.vzeroupper();
    code.ret();
    return code.toBytes();
  }

  /** RDI panel, RSI weights, RDX stride, RCX columns, R8 tile. */
  static byte[] code(int rows, int strips) {
    Assembler code = new Assembler();
    code.lea(RAX, Address.at(RDX, RDX, 2));
    code.lea(R10, Address.at(RDX, RDX, 4));
    for (int i = 0; i < rows * strips; i++) {
      code.vpxord(i);
    }
    columns(code, rows, strips, TOGETHER);
    columns(code, rows, strips, 1);
    for (int i = 0; i < rows * strips; i++) {
      code.vaddps(i, i, result(i, strips));
      code.vmovups(result(i, strips), i);
    }
    code.vzeroupper();
    code.ret();
    return code.toBytes();
  }

  private static Address result(int i, int strips) {
    return Address.at(R8, i / strips * PanelLayout.TILE_BYTES + i % strips * PanelLayout.STRIP_BYTES);
  }

  /** As many turns of {@code together} columns as there are; what is left stays in RCX. */
  private static void columns(Assembler code, int rows, int strips, int together) {
    code.mov(R11, RCX);
    if (together > 1) {
      code.and(RCX, together - 1);
      code.shr(R11, Integer.numberOfTrailingZeros(together));
    }
    code.test(R11, R11);
    int none = code.jz();
    int top = code.here();
    for (int k = 0; k < together; k++) {
      for (int s = 0; s < strips; s++) {
        code.vmovups(PANEL_REGISTER + s, Address.at(RDI, (k * strips + s) * PanelLayout.STRIP_BYTES));
      }
      for (int i = 0; i < rows; i++) {
        int weight = WEIGHT_REGISTER + i % WEIGHT_REGISTERS;
        code.vbroadcastss(weight, weights(i).plus(k * Float.BYTES));
        for (int s = 0; s < strips; s++) {
          code.vfmadd231ps(i * strips + s, PANEL_REGISTER + s, weight);
        }
      }
    }
    code.add(RDI, together * strips * PanelLayout.STRIP_BYTES);
    code.add(RSI, together * Float.BYTES);
    code.dec(R11);
    code.jnz(top);
    code.land(none);
  }

  private static Address weights(int row) {
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
