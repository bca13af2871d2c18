package kumiko.runtime.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * A function of the C library with up to six whole numbers or addresses. All are called through one handle, with zeros for parameters that
 * they have not, as the JVM takes 5 to 8 ms to make the handle of another type: in the calling conventions of 64-bit systems each of these
 * parameters has a place of its own, of which a function looks at those it knows, in the width that it knows.
 */
final class LibraryFunction {
  /** What a function returned, and the system's number for what went wrong if it says that something did. */
  record Result(long value, int error) {}

  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final long ERROR_NUMBER = STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));
  private static final ValueLayout WORD = ValueLayout.JAVA_LONG;
  private static final MethodHandle CALL = Linker.nativeLinker()
      .downcallHandle(FunctionDescriptor.of(WORD, WORD, WORD, WORD, WORD, WORD, WORD), Linker.Option.captureCallState("errno"));

  private final String name;
  private final MemorySegment entry;

  LibraryFunction(String name) {
    this.name = name;
    entry = Linker.nativeLinker().defaultLookup().findOrThrow(name);
  }

  Result call(long a, long b) {
    return call(a, b, 0, 0, 0, 0);
  }

  Result call(long a, long b, long c) {
    return call(a, b, c, 0, 0, 0);
  }

  Result call(long a, long b, long c, long d, long e, long f) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      long value = (long) CALL.invokeExact(entry, state, a, b, c, d, e, f);
      return new Result(value, state.get(ValueLayout.JAVA_INT, ERROR_NUMBER));
    } catch (Throwable thrown) {
      throw new AssertionError(name + " does not throw", thrown);
    }
  }
}
