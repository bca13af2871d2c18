package kumiko.runtime.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;

/**
 * Memory that holds machine code. It is never writable and executable at once: mapped writable, filled, then made executable and no
 * longer writable, before anyone gets an address in it.
 *
 * @param arena for as long as it lives the code can be called
 */
record CodePages(Arena arena) implements CodeInstaller {
  /**
   * Code in such memory. Calls are short ones, of microseconds: the thread does not stop for the garbage collector meanwhile, which
   * makes them cost a few nanoseconds.
   */
  record Installed(MemorySegment entry) implements Routine {
    private static final ValueLayout WORD = ValueLayout.JAVA_LONG;
    private static final MethodHandle CALL = Linker.nativeLinker()
        .downcallHandle(FunctionDescriptor.ofVoid(WORD, WORD, WORD, WORD, WORD, WORD), Linker.Option.critical(false));

    @Override
    public void call(long a, long b, long c, long d, long e, long f) {
      try {
        CALL.invokeExact(entry, a, b, c, d, e, f);
      } catch (Throwable error) {
        throw new AssertionError("machine code does not throw", error);
      }
    }
  }

  private static final int ALIGNMENT = 64;
  private static final int PAGE = 4096;

  /** @throws SystemCalls.Refused if the system gives no memory, or none that may be executed */
  @Override
  public List<Installed> install(List<byte[]> codes) throws SystemCalls.Refused {
    long bytes = 0;
    for (byte[] code : codes) {
      bytes += aligned(code.length, ALIGNMENT);
    }
    MemorySegment pages = map(aligned(Math.max(1, bytes), PAGE));
    List<Installed> routines = new ArrayList<>();
    long at = 0;
    for (byte[] code : codes) {
      MemorySegment.copy(MemorySegment.ofArray(code), 0, pages, at, code.length);
      routines.add(new Installed(pages.asSlice(at, code.length)));
      at += aligned(code.length, ALIGNMENT);
    }
    SystemCalls.makeExecutable(pages.address(), pages.byteSize());
    return routines;
  }

  private MemorySegment map(long bytes) throws SystemCalls.Refused {
    long address = SystemCalls.map(bytes);
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, pages -> SystemCalls.unmap(pages.address(), bytes));
  }

  private static long aligned(long bytes, int alignment) {
    return Math.ceilDiv(bytes, alignment) * alignment;
  }
}
