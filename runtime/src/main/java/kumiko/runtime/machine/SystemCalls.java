package kumiko.runtime.machine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

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

  private static final MemorySegment MMAP = NativeCall.function("mmap");
  private static final MemorySegment MPROTECT = NativeCall.function("mprotect");
  private static final MemorySegment MADVISE = NativeCall.function("madvise");
  private static final MemorySegment MUNMAP = NativeCall.function("munmap");
  private static final MemorySegment SYSCALL = NativeCall.function("syscall");

  /** Linux Standard Base: where a thread finds the number of its last error. */
  private static final MemorySegment ERRNO_LOCATION = NativeCall.function("__errno_location");

  private SystemCalls() {}

  /** The address of new memory that can be read and written. */
  static long map(long bytes) throws Refused {
    long address = NativeCall.call(MMAP, 0, bytes, READ | WRITE, PRIVATE_ANONYMOUS, -1, 0);
    check(address != -1, "mmap");
    return address;
  }

  /** From now on the memory can be read and executed, and no longer written. */
  static void makeExecutable(long address, long bytes) throws Refused {
    checkZero("mprotect(PROT_READ | PROT_EXEC)", NativeCall.call(MPROTECT, address, bytes, READ | EXECUTE));
  }

  /** A system that is built without large pages refuses, which nothing depends on. */
  static void askForHugePages(long address, long bytes) {
    NativeCall.call(MADVISE, address, bytes, HUGE_PAGES);
  }

  static void unmap(long address, long bytes) {
    try {
      checkZero("munmap", NativeCall.call(MUNMAP, address, bytes, 0));
    } catch (Refused refused) {
      throw new AssertionError("memory that was mapped can be unmapped", refused);
    }
  }

  /** Asks for the tile registers, for all threads of this process. */
  static void requestTiles() throws Refused {
    checkZero("arch_prctl(ARCH_REQ_XCOMP_PERM)", NativeCall.call(SYSCALL, ARCH_PRCTL, REQUEST_STATE, TILE_DATA));
  }

  /** These return an int, above which a register holds anything. */
  private static void checkZero(String call, long result) throws Refused {
    check((int) result == 0, call);
  }

  private static void check(boolean good, String call) throws Refused {
    if (!good) {
      long place = NativeCall.call(ERRNO_LOCATION, 0, 0, 0);
      throw new Refused(call, MemorySegment.ofAddress(place).reinterpret(Integer.BYTES).get(ValueLayout.JAVA_INT, 0));
    }
  }
}
