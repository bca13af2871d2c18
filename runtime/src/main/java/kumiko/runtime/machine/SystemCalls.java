package kumiko.runtime.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** What machine code needs of Linux on x86-64, with the numbers of its headers. */
final class SystemCalls {
  /** Refused: {@code number} is the system's number for the reason. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1;

    Refused(String call, int number) {
      super(call + " was refused with error " + number);
    }
  }

  private static final int READ = 1;
  private static final int WRITE = 2;
  private static final int EXECUTE = 4;
  private static final int PRIVATE_ANONYMOUS = 0x22;

  /** asm-generic/mman-common.h: {@code MADV_HUGEPAGE}. */
  private static final int HUGE_PAGES = 14;

  /** {@code arch_prctl} in the table of system calls. */
  private static final long ARCH_PRCTL = 158;

  /** asm/prctl.h: ask that this process may use a part of the processor's state that is off at first. */
  private static final long REQUEST_STATE = 0x1023;

  /** asm/fpu/types.h: the data of the tiles. */
  private static final long TILE_DATA = 18;

  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final long ERROR_NUMBER = STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));
  private static final ValueLayout WORD = ValueLayout.JAVA_LONG;
  private static final ValueLayout INT = ValueLayout.JAVA_INT;

  private static final MethodHandle MMAP = find("mmap", FunctionDescriptor.of(WORD, WORD, WORD, INT, INT, INT, WORD));
  private static final MethodHandle MPROTECT = find("mprotect", FunctionDescriptor.of(INT, WORD, WORD, INT));
  private static final MethodHandle MADVISE = find("madvise", FunctionDescriptor.of(INT, WORD, WORD, INT));
  private static final MethodHandle MUNMAP = find("munmap", FunctionDescriptor.of(INT, WORD, WORD));
  private static final MethodHandle SYSCALL = find("syscall", FunctionDescriptor.of(WORD, WORD, WORD, WORD),
      Linker.Option.firstVariadicArg(1));

  private SystemCalls() {}

  private static MethodHandle find(String name, FunctionDescriptor type, Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    Linker.Option[] all = java.util.Arrays.copyOf(options, options.length + 1);
    all[options.length] = Linker.Option.captureCallState("errno");
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type, all);
  }

  /** The address of new memory that can be read and written. */
  static long map(long bytes) throws Refused {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      long address = (long) MMAP.invokeExact(state, 0L, bytes, READ | WRITE, PRIVATE_ANONYMOUS, -1, 0L);
      check(address != -1, "mmap", state);
      return address;
    } catch (Throwable thrown) {
      throw refusedOr(thrown);
    }
  }

  /** From now on the memory can be read and executed, and no longer written. */
  static void makeExecutable(long address, long bytes) throws Refused {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      int result = (int) MPROTECT.invokeExact(state, address, bytes, READ | EXECUTE);
      check(result == 0, "mprotect(PROT_READ | PROT_EXEC)", state);
    } catch (Throwable thrown) {
      throw refusedOr(thrown);
    }
  }

  /** A system that is built without large pages refuses, which nothing depends on. */
  static void askForHugePages(long address, long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      int ignored = (int) MADVISE.invokeExact(arena.allocate(STATE), address, bytes, HUGE_PAGES);
    } catch (Throwable thrown) {
      throw new AssertionError("a system call does not throw", thrown);
    }
  }

  static void unmap(long address, long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      int result = (int) MUNMAP.invokeExact(state, address, bytes);
      check(result == 0, "munmap", state);
    } catch (Throwable thrown) {
      throw new AssertionError("memory that was mapped can be unmapped", thrown);
    }
  }

  /** Asks for the tile registers, for all threads of this process. */
  static void requestTiles() throws Refused {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      long result = (long) SYSCALL.invokeExact(state, ARCH_PRCTL, REQUEST_STATE, TILE_DATA);
      check(result == 0, "arch_prctl(ARCH_REQ_XCOMP_PERM)", state);
    } catch (Throwable thrown) {
      throw refusedOr(thrown);
    }
  }

  private static void check(boolean good, String call, MemorySegment state) throws Refused {
    if (!good) {
      throw new Refused(call, state.get(ValueLayout.JAVA_INT, ERROR_NUMBER));
    }
  }

  private static Refused refusedOr(Throwable thrown) {
    if (thrown instanceof Refused refused) {
      return refused;
    }
    throw new AssertionError("a system call does not throw", thrown);
  }
}
