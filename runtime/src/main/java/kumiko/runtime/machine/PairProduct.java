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

import java.util.ArrayList;
import java.util.List;

/**
 * {@link PanelProduct} by {@code vdpbf16ps} (AVX512F, AVX512BW, AVX512_BF16): up to six rows of weights by four strips of lanes in 24
 * registers; for each pair of columns a vector of each strip is loaded and a pair of each weight broadcast, straight from the stored
 * rows.
 *
 * <p>A result is the sum of its products in the order k = 1, 0, 3, 2, ..., each added with one rounding (Intel's manual; seen so on Zen
 * 4, bit by bit); numbers below 2^-126 count as zero, going in and coming out.
 */
final class PairProduct implements PanelProduct {
  /** Rows of weights at once: with four strips they fill 24 of 32 registers. */
  private static final int ROWS = 6;

  private static final int PANEL_REGISTER = ROWS * PanelLayout.STRIPS;
  private static final int WEIGHT_REGISTER = PANEL_REGISTER + PanelLayout.STRIPS;
  private static final int WEIGHT_REGISTERS = 4;
  private static final int LOWER_HALVES = 0x5555_5555;

  /** Of one instruction: a product and a sum for each element of two vectors of bf16. */
  private static final int FLOPS = 2 * 32;

  /** By rows and strips, both from 1. */
  private final Routine[][] routines = new Routine[ROWS + 1][PanelLayout.STRIPS + 1];

  private final Routine registers;

  PairProduct(CodeInstaller installer) throws SystemCalls.Refused {
    List<byte[]> codes = new ArrayList<>();
    for (int rows = 1; rows <= ROWS; rows++) {
      for (int strips = 1; strips <= PanelLayout.STRIPS; strips++) {
        codes.add(code(rows, strips));
      }
    }
    codes.add(registerCode());
    List<? extends Routine> installed = installer.install(codes);
    registers = installed.getLast();
    for (int i = 0; i < codes.size() - 1; i++) {
      routines[1 + i / PanelLayout.STRIPS][1 + i % PanelLayout.STRIPS] = installed.get(i);
    }
  }

  @Override
  public String instructions() {
    return "avx512_bf16";
  }

  @Override
  public void multiply(long panel, int strips, long weights, long stride, int rows, int columns, long tile) {
    for (int i = 0; i < rows; i += ROWS) {
      Routine routine = routines[Math.min(ROWS, rows - i)][strips];
      routine.call(panel, weights + i * stride, stride, columns / 2, tile + (long) i * PanelLayout.TILE_BYTES, columns % 2);
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
      code.vpbroadcastd(i, Address.at(RDI, 0));
    }
    int top = code.here();
    for (int i = 0; i < PANEL_REGISTER; i++) {
      code.vdpbf16ps(i, PANEL_REGISTER + i % PanelLayout.STRIPS, WEIGHT_REGISTER + i / PanelLayout.STRIPS % WEIGHT_REGISTERS);
    }
    code.dec(RCX);
    code.jnz(top);
    code.vzeroupper();
    code.ret();
    return code.toBytes();
  }

  /** RDI panel, RSI weights, RDX stride, RCX pairs, R8 tile, R9 whether a single column follows. */
  static byte[] code(int rows, int strips) {
    Assembler code = new Assembler();
    code.lea(RAX, Address.at(RDX, RDX, 2));
    code.lea(R10, Address.at(RDX, RDX, 4));
    for (int i = 0; i < rows * strips; i++) {
      code.vmovups(i, result(i, strips));
    }
    code.test(RCX, RCX);
    int none = code.jz();
    int top = code.here();
    step(code, rows, strips, false);
    code.add(RDI, strips * PanelLayout.STRIP_BYTES);
    code.add(RSI, 4);
    code.dec(RCX);
    code.jnz(top);
    code.land(none);
    code.test(R9, R9);
    int even = code.jz();
    code.mov(R11, LOWER_HALVES);
    code.kmovd(1, R11);
    step(code, rows, strips, true);
    code.land(even);
    for (int i = 0; i < rows * strips; i++) {
      code.vmovups(result(i, strips), i);
    }
    code.vzeroupper();
    code.ret();
    return code.toBytes();
  }

  private static Address result(int i, int strips) {
    return Address.at(R8, i / strips * PanelLayout.TILE_BYTES + i % strips * PanelLayout.STRIP_BYTES);
  }

  /** One pair of columns; of a single one what lies behind the row is not read. */
  private static void step(Assembler code, int rows, int strips, boolean single) {
    for (int s = 0; s < strips; s++) {
      code.vmovups(PANEL_REGISTER + s, Address.at(RDI, s * PanelLayout.STRIP_BYTES));
    }
    for (int i = 0; i < rows; i++) {
      int weight = WEIGHT_REGISTER + i % WEIGHT_REGISTERS;
      if (single) {
        code.vpbroadcastw(weight, 1, weights(i));
      } else {
        code.vpbroadcastd(weight, weights(i));
      }
      for (int s = 0; s < strips; s++) {
        code.vdpbf16ps(i * strips + s, PANEL_REGISTER + s, weight);
      }
    }
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
