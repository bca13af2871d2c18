package kumiko.runtime.machine;

/**
 * Machine code to be called with six whole numbers, in RDI, RSI, RDX, RCX, R8 and R9 (System V ABI for AMD64, section 3.2.3); it
 * changes no register that a caller expects to keep.
 */
@FunctionalInterface
interface Routine {
  void call(long a, long b, long c, long d, long e, long f);
}
