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
 * A row by the square root of its mean square, RMSNorm, or of its variance, LayerNorm: RDI x, RSI y, RDX columns, RCX weights, R8 biases,
 * R9 as float32 what is added to the mean square and in its upper half what is added to the weights.
 */
final class NormCode {
  /** Sums, so that no addition waits for the one before. */
  private static final int SUMS = 4;

  private static final int MEAN = 8;
  private static final int COUNT = 9;
  private static final int EPS = 10;
  private static final int OFFSET = 11;
  private static final int ONE = 12;
  private static final int ZERO = 13;
  private static final int VALUE = 16;
  private static final int FACTOR = 20;
  private static final int SUMMAND = 24;
  private static final int VECTOR_BYTES = Float.BYTES * WeightVector.LANES;

  private NormCode() {}

  /** @param centred whether the mean is taken away, and biases follow the weights */
  static void code(Assembler code, boolean centred, boolean weighted, boolean biased) {
    ExponentialCode.constant(code, ONE, 1);
    code.vpbroadcastd(COUNT, RDX);
    code.vcvtdq2ps(COUNT, COUNT);
    code.vpbroadcastd(EPS, R9);
    code.shr(R9, Integer.SIZE);
    code.vpbroadcastd(OFFSET, R9);
    code.mov(RAX, RDX);
    code.and(RAX, WeightVector.LANES - 1);
    code.mov(R10, -1L);
    code.bzhi(R10, R10, RAX);
    code.kmovw(1, R10);
    code.vpxord(ZERO);
    code.vmovaps(MEAN, ZERO);
    if (centred) {
      sum(code, (i, mask) -> {
        code.vmovups(VALUE + i, mask, Address.at(R10, i * VECTOR_BYTES));
        code.vaddps(i, i, VALUE + i);
      });
      code.vdivps(MEAN, 0, COUNT);
    }
    sum(code, (i, mask) -> {
      code.vmovups(VALUE + i, mask, Address.at(R10, i * VECTOR_BYTES));
      code.vsubps(VALUE + i, VALUE + i, MEAN);
      if (mask != 0) {
        code.vblendmps(VALUE + i, mask, ZERO, VALUE + i);
      }
      code.vfmadd231ps(i, VALUE + i, VALUE + i);
    });
    code.vdivps(0, 0, COUNT);
    code.vaddps(0, 0, EPS);
    code.vsqrtps(0, 0);
    code.vdivps(0, ONE, 0);
    transform(code, weighted, biased);
    code.vzeroupper();
    code.ret();
  }

  /** What is done with vector i of a group, at {@code R10 + i} vectors; a mask of 0 stands for all its columns. */
  @FunctionalInterface
  private interface Body {
    void emit(int i, int mask);
  }

  /** Register 0 becomes the sum of what the body adds to registers 0 to 3, in every lane. */
  private static void sum(Assembler code, Body body) {
    for (int i = 0; i < SUMS; i++) {
      code.vpxord(i);
    }
    walk(code, body, R10);
    code.vaddps(0, 0, 1);
    code.vaddps(2, 2, 3);
    code.vaddps(0, 0, 2);
    DotCode.sumLanes(code, 0);
  }

  private static void transform(Assembler code, boolean weighted, boolean biased) {
    code.mov(R11, RSI);
    walk(code, (i, mask) -> {
      code.vmovups(VALUE + i, mask, Address.at(R10, i * VECTOR_BYTES));
      code.vsubps(VALUE + i, VALUE + i, MEAN);
      code.vmulps(VALUE + i, VALUE + i, 0);
      if (weighted) {
        code.vmovups(FACTOR + i, mask, Address.at(RCX, i * VECTOR_BYTES));
        code.vaddps(FACTOR + i, FACTOR + i, OFFSET);
        code.vmulps(VALUE + i, VALUE + i, FACTOR + i);
      }
      if (biased) {
        code.vmovups(SUMMAND + i, mask, Address.at(R8, i * VECTOR_BYTES));
        code.vaddps(VALUE + i, VALUE + i, SUMMAND + i);
      }
      code.vmovups(Address.at(R11, i * VECTOR_BYTES), mask, VALUE + i);
    }, R10, R11, RCX, R8);
  }

  /** The body for all vectors of the row, four at a time while there are as many; the registers walk along. */
  private static void walk(Assembler code, Body body, Register... along) {
    code.mov(R10, RDI);
    for (int together : new int[]{SUMS, 1}) {
      code.mov(RAX, RDX);
      if (together == 1) {
        code.and(RAX, SUMS * WeightVector.LANES - 1);
      }
      code.shr(RAX, Integer.numberOfTrailingZeros(together * WeightVector.LANES));
      int none = code.jz();
      int next = code.here();
      for (int i = 0; i < together; i++) {
        body.emit(i, 0);
      }
      for (Register register : along) {
        code.add(register, together * VECTOR_BYTES);
      }
      code.dec(RAX);
      code.jnz(next);
      code.land(none);
    }
    code.mov(RAX, RDX);
    code.and(RAX, WeightVector.LANES - 1);
    int whole = code.jz();
    body.emit(0, 1);
    code.land(whole);
  }
}
