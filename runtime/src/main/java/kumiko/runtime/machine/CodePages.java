package kumiko.runtime.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Memory that holds machine code. It is never writable and executable at once: pages are mapped writable, filled, then made executable and
 * no longer writable, before anyone gets an address in them. Routines share no page, as each is made when it is called for the first time.
 */
final class CodePages implements CodeInstaller {
  private static final int PAGE = 4096;

  /** Bytes that are mapped at a time; what is not filled takes no memory. */
  private static final long REGION = 1L << 20;

  private final Arena arena;
  private final Supplier<Assembler> assemblers;

  /** What is left of the last region. */
  private MemorySegment free = MemorySegment.NULL;

  /** @param arena for as long as it lives the code can be called */
  CodePages(Arena arena) {
    this(arena, Assembler::new);
  }

  /** @param assemblers a new one for each routine */
  CodePages(Arena arena, Supplier<Assembler> assemblers) {
    this.arena = arena;
    this.assemblers = assemblers;
  }

  /**
   * Makes code that does nothing, and calls it.
   *
   * @throws SystemCalls.Refused if the system gives no memory, or none that may be executed
   */
  void tryOut() throws SystemCalls.Refused {
    NativeCall.call(place(Assembler::ret), 0, 0, 0, 0, 0, 0);
  }

  @Override
  public Installed install(Consumer<Assembler> code) {
    return new Installed(code);
  }

  @Override
  public int vectors() {
    return assemblers.get().vectors();
  }

  /** The address that code has got. */
  private synchronized MemorySegment place(Consumer<Assembler> writer) throws SystemCalls.Refused {
    Assembler assembler = assemblers.get();
    writer.accept(assembler);
    byte[] code = assembler.toBytes();
    long bytes = Math.ceilDiv((long) code.length, PAGE) * PAGE;
    if (free.byteSize() < bytes) {
      free = map(Math.max(bytes, REGION));
    }
    MemorySegment pages = free.asSlice(0, bytes);
    MemorySegment.copy(MemorySegment.ofArray(code), 0, pages, 0, code.length);
    SystemCalls.makeExecutable(pages.address(), bytes);
    free = free.asSlice(bytes);
    return pages;
  }

  private MemorySegment map(long bytes) throws SystemCalls.Refused {
    long address = SystemCalls.map(bytes);
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, pages -> SystemCalls.unmap(pages.address(), bytes));
  }

  /** Code in such memory from its first call on. */
  final class Installed implements Routine {
    private final Consumer<Assembler> code;

    private volatile MemorySegment entry;

    private Installed(Consumer<Assembler> code) {
      this.code = code;
    }

    /** Where the code is. */
    MemorySegment entry() {
      MemorySegment ready = entry;
      return ready == null ? placed() : ready;
    }

    private synchronized MemorySegment placed() {
      if (entry == null) {
        try {
          entry = place(code);
        } catch (SystemCalls.Refused refused) {
          throw new IllegalStateException("the system gave memory for machine code when it was tried, and now: " + refused.getMessage(),
              refused);
        }
      }
      return entry;
    }

    @Override
    public void call(long a, long b, long c, long d, long e, long f) {
      NativeCall.call(entry(), a, b, c, d, e, f);
    }
  }
}
