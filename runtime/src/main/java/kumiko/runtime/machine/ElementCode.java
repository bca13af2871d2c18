package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RSI;

/** Sums and products of rows of float32, element by element: RDI a, RSI y, RDX elements, RCX b, R8 a factor. */
enum ElementCode {
  /** {@code y = factor a + b}, rounded once. */
  ADD {
    @Override
    void vector(Assembler code, int mask) {
      code.vmovups(B, mask, Address.at(RCX, 0));
      code.vfmadd231ps(B, A, FACTOR);
      code.vmovups(Address.at(RSI, 0), mask, B);
    }
  },
  /** {@code y = a b}. */
  MULTIPLY {
    @Override
    void vector(Assembler code, int mask) {
      code.vmovups(B, mask, Address.at(RCX, 0));
      code.vmulps(B, A, B);
      code.vmovups(Address.at(RSI, 0), mask, B);
    }
  },
  /** {@code y = factor a}. */
  SCALE {
    @Override
    void vector(Assembler code, int mask) {
      code.vmulps(B, A, FACTOR);
      code.vmovups(Address.at(RSI, 0), mask, B);
    }
  };

  private static final int A = 0;
  private static final int B = 1;
  private static final int FACTOR = 2;

  /** What is done with a vector of a, and of b where it takes part. */
  abstract void vector(Assembler code, int mask);

  void code(Assembler code) {
    code.vpbroadcastd(FACTOR, R8);
    RowWalk.emit(code, mask -> {
      code.vmovups(A, mask, Address.at(RDI, 0));
      vector(code, mask);
    });
    code.vzeroupper();
    code.ret();
  }
}
