package kumiko.runtime.machine;

import static kumiko.runtime.machine.ExponentialCode.ONE;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RSI;

import kumiko.runtime.graph.Activation;

/**
 * {@code y = f(x)}, or {@code y = f(x) * up}: RDI x, RSI y, RDX elements, RCX up. The same formulas as the vector kernels', with fewer
 * roundings.
 */
@SuppressWarnings("FloatingPointLiteralPrecision") // coefficients stand as they were published
final class ActivationCode {
  /** Of Press et al., Numerical Recipes, section 6.2: Chebyshev's fit of erfc, from the highest power. */
  private static final float[] FAR = {
      0.17087277f, -0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f, -0.18628806f, 0.09678418f, 0.37409196f, 1.00002368f, -1.26551223f};

  /** Of Cephes' erff, from the highest power. */
  private static final float[] NEAR = {
      7.853861353153693e-5f, -8.010193625184903e-4f, 5.188327685732524e-3f, -2.685381193529856e-2f, 1.128358514861418e-1f,
      -3.761262582423300e-1f, 1.128379165726710f};

  /** The square of what that is good for. */
  private static final float NEAR_SQUARE = 0.7f;

  private static final int X = 0;
  private static final int RESULT = 1;

  /** The first of those that emit uses on the way. */
  private static final int ROOM = 2;

  /** The first of the function's own constants. */
  private static final int OWN = 7;

  private static final int HALF = 17;
  private static final int FACTOR = 18;

  private ActivationCode() {}

  static void code(Assembler code, Activation function, boolean gated) {
    ExponentialCode.constants(code);
    constants(code, function);
    RowWalk.emit(code, mask -> vector(code, function, gated, mask));
    code.vzeroupper();
    code.ret();
  }

  private static void vector(Assembler code, Activation function, boolean gated, int mask) {
    code.vmovups(X, mask, Address.at(RDI, 0));
    switch (function) {
      case SILU -> {
        code.vmulps(RESULT, X, FACTOR);
        sigmoid(code);
        code.vmulps(RESULT, X, RESULT);
      }
      case GELU_TANH -> geluTanh(code);
      case GELU -> gelu(code);
      case RELU -> {
        code.vpxord(RESULT);
        code.vmaxps(RESULT, RESULT, X);
      }
      case TANH -> {
        code.vmulps(RESULT, X, FACTOR);
        sigmoid(code);
        code.vaddps(RESULT, RESULT, RESULT);
        code.vsubps(RESULT, RESULT, ONE);
      }
    }
    if (gated) {
      code.vmovups(X, mask, Address.at(RCX, 0));
      code.vmulps(RESULT, RESULT, X);
    }
    code.vmovups(Address.at(RSI, 0), mask, RESULT);
  }

  private static void constants(Assembler code, Activation function) {
    switch (function) {
      case SILU -> ExponentialCode.constant(code, FACTOR, -1);
      case GELU_TANH -> {
        ExponentialCode.constant(code, OWN, 0.044715f);
        ExponentialCode.constant(code, FACTOR, (float) (-2 * Math.sqrt(2 / Math.PI)));
      }
      case GELU -> {
        for (int i = 0; i < FAR.length; i++) {
          ExponentialCode.constant(code, OWN + i, FAR[i]);
        }
        ExponentialCode.constant(code, HALF, 0.5f);
        ExponentialCode.constant(code, FACTOR, (float) -Math.sqrt(0.5));
      }
      case RELU -> {
      }
      case TANH -> ExponentialCode.constant(code, FACTOR, -2);
    }
  }

  /** {@code 1 / (1 + e^RESULT)}. */
  private static void sigmoid(Assembler code) {
    ExponentialCode.emit(code, RESULT, ROOM);
    code.vaddps(RESULT, RESULT, ONE);
    code.vdivps(RESULT, ONE, RESULT);
  }

  /** {@code x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2}, which is x times a sigmoid. */
  private static void geluTanh(Assembler code) {
    code.vmulps(RESULT, X, X);
    code.vfmadd213ps(RESULT, OWN, ONE);
    code.vmulps(RESULT, RESULT, X);
    code.vmulps(RESULT, RESULT, FACTOR);
    sigmoid(code);
    code.vmulps(RESULT, X, RESULT);
  }

  /** {@code x erfc(-x / sqrt 2) / 2}: near zero erfc is one less a polynomial of erf. */
  private static void gelu(Assembler code) {
    int z = RESULT;
    int t = ROOM;
    int far = ROOM + 1;
    int square = ROOM + 2;
    int near = ROOM + 3;
    int other = ROOM + 4;
    code.vmulps(z, X, FACTOR);
    code.vpxord(far);
    code.vsubps(far, far, z);
    code.vmaxps(t, far, z);
    code.vfmadd213ps(t, HALF, ONE);
    code.vdivps(t, ONE, t);
    code.vmovaps(far, OWN);
    for (int i = 1; i < FAR.length; i++) {
      code.vfmadd213ps(far, t, OWN + i);
    }
    code.vfnmadd231ps(far, z, z);
    ExponentialCode.emit(code, far, square);
    code.vmulps(far, t, far);
    code.vpxord(other);
    code.vcmpltps(2, z, other);
    code.vaddps(other, ONE, ONE);
    code.vsubps(other, other, far);
    code.vblendmps(far, 2, far, other);
    code.vmulps(square, z, z);
    ExponentialCode.constant(code, near, NEAR[0]);
    for (int i = 1; i < NEAR.length; i++) {
      ExponentialCode.constant(code, other, NEAR[i]);
      code.vfmadd213ps(near, square, other);
    }
    code.vfnmadd213ps(near, z, ONE);
    ExponentialCode.constant(code, other, NEAR_SQUARE);
    code.vcmpltps(2, square, other);
    code.vblendmps(far, 2, far, near);
    code.vmulps(RESULT, X, HALF);
    code.vmulps(RESULT, RESULT, far);
  }
}
