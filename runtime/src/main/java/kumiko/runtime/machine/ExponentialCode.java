package kumiko.runtime.machine;

/**
 * {@code e^x} of a vector to about one unit in the last place, as the vector kernels compute it: {@code 2^n e^r} with {@code |r| <= ln 2 /
 * 2} and the polynomial of Cephes' expf (Moshier 1992). From 88.4 on it is infinite, where it would be less than the least normal number
 * zero, and of what is not a number none. Registers 19 to 31 hold its constants.
 */
@SuppressWarnings("FloatingPointLiteralPrecision") // coefficients stand as they were published
final class ExponentialCode {
  /** The first register that holds a constant. */
  static final int CONSTANTS = 19;

  /** One, in every lane. */
  static final int ONE = 21;

  private static final int GREATEST = 19;
  private static final int LEAST = 20;
  private static final int POWER_2 = 22;
  private static final int POWER_7 = 27;
  private static final int ROUND = 28;
  private static final int LN2_LOW = 29;
  private static final int LN2_HIGH = 30;
  private static final int LOG2_E = 31;

  private static final int EXPONENT_PLACE = 23;

  private ExponentialCode() {}

  /** Fills registers 19 to 31, over RAX. */
  static void constants(Assembler code) {
    // Where n + 127 is 255 and the power infinite, and where it is 0 and the power zero.
    constant(code, GREATEST, 89);
    constant(code, LEAST, -88);
    constant(code, ONE, 1);
    constant(code, POWER_2, 5.0000001201e-1f);
    constant(code, POWER_2 + 1, 1.6666665459e-1f);
    constant(code, POWER_2 + 2, 4.1665795894e-2f);
    constant(code, POWER_2 + 3, 8.3334519073e-3f);
    constant(code, POWER_2 + 4, 1.3981999507e-3f);
    constant(code, POWER_7, 1.9875691500e-4f);
    // Added and taken away again it leaves a whole number n; the sum's lowest bits are then n + 127, which is how an exponent is written.
    constant(code, ROUND, 0x1.8p23f + 127);
    // Minus ln 2 in two parts; the first has few enough bits that whole multiples of it are exact.
    constant(code, LN2_LOW, 2.12194440e-4f);
    constant(code, LN2_HIGH, -0.693359375f);
    constant(code, LOG2_E, 1.44269504f);
  }

  /** A number into every lane, over RAX. */
  static void constant(Assembler code, int register, float value) {
    code.mov(Register.RAX, Float.floatToRawIntBits(value));
    code.vpbroadcastd(register, Register.RAX);
  }

  /** Register {@code x} becomes its exponential; {@code room} and the two behind it are used. */
  static void emit(Assembler code, int x, int room) {
    int n = room + 1;
    int p = room + 2;
    code.vmaxps(x, LEAST, x);
    code.vminps(x, GREATEST, x);
    code.vmovaps(room, ROUND);
    code.vfmadd231ps(room, x, LOG2_E);
    code.vsubps(n, room, ROUND);
    code.vfmadd231ps(x, n, LN2_HIGH);
    code.vfmadd231ps(x, n, LN2_LOW);
    code.vmovaps(p, POWER_7);
    for (int power = POWER_7 - 1; power >= POWER_2; power--) {
      code.vfmadd213ps(p, x, power);
    }
    code.vmulps(n, x, x);
    code.vaddps(x, x, ONE);
    code.vfmadd213ps(p, n, x);
    code.vpslld(room, room, EXPONENT_PLACE);
    code.vmulps(x, p, room);
  }
}
