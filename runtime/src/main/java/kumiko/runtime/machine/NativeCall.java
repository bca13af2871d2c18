package kumiko.runtime.machine;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Calls of what is not Java, with six whole numbers or addresses. All go through one handle, with zeros for parameters that a function has
 * not, as the JVM takes 5 to 10 ms to make the handle of another type: in the calling conventions of 64-bit systems each of these parameters
 * has a place of its own, of which a function looks at those it knows, in the width that it knows.
 *
 * <p>Calls are short ones, of microseconds, or of milliseconds where gigabytes go back to the system: the thread does not stop for the
 * garbage collector meanwhile, which makes a call cost a few nanoseconds.
 */
final class NativeCall {
  private static final ValueLayout WORD = ValueLayout.JAVA_LONG;
  private static final MethodHandle CALL = Linker.nativeLinker()
      .downcallHandle(FunctionDescriptor.of(WORD, WORD, WORD, WORD, WORD, WORD, WORD), Linker.Option.critical(false));

  private NativeCall() {}

  /** The address of a function of the C library. */
  static MemorySegment function(String name) {
    return Linker.nativeLinker().defaultLookup().findOrThrow(name);
  }

  /** As the one below. */
  static long call(MemorySegment entry, long a, long b, long c) {
    return call(entry, a, b, c, 0, 0, 0);
  }

  /** What the function returns; anything where it returns nothing. */
  static long call(MemorySegment entry, long a, long b, long c, long d, long e, long f) {
    try {
      return (long) CALL.invokeExact(entry, a, b, c, d, e, f);
    } catch (Throwable error) {
      throw new AssertionError("native code does not throw", error);
    }
  }
}
