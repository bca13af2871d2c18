package kumiko.runtime.machine;

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

  private static final LibraryFunction MMAP = new LibraryFunction("mmap");
  private static final LibraryFunction MPROTECT = new LibraryFunction("mprotect");
  private static final LibraryFunction MADVISE = new LibraryFunction("madvise");
  private static final LibraryFunction MUNMAP = new LibraryFunction("munmap");
  private static final LibraryFunction SYSCALL = new LibraryFunction("syscall");

  private SystemCalls() {}

  /** The address of new memory that can be read and written. */
  static long map(long bytes) throws Refused {
    LibraryFunction.Result result = MMAP.call(0, bytes, READ | WRITE, PRIVATE_ANONYMOUS, -1, 0);
    check(result.value() != -1, "mmap", result);
    return result.value();
  }

  /** From now on the memory can be read and executed, and no longer written. */
  static void makeExecutable(long address, long bytes) throws Refused {
    checkZero("mprotect(PROT_READ | PROT_EXEC)", MPROTECT.call(address, bytes, READ | EXECUTE));
  }

  /** A system that is built without large pages refuses, which nothing depends on. */
  static void askForHugePages(long address, long bytes) {
    MADVISE.call(address, bytes, HUGE_PAGES);
  }

  static void unmap(long address, long bytes) {
    try {
      checkZero("munmap", MUNMAP.call(address, bytes));
    } catch (Refused refused) {
      throw new AssertionError("memory that was mapped can be unmapped", refused);
    }
  }

  /** Asks for the tile registers, for all threads of this process. */
  static void requestTiles() throws Refused {
    checkZero("arch_prctl(ARCH_REQ_XCOMP_PERM)", SYSCALL.call(ARCH_PRCTL, REQUEST_STATE, TILE_DATA));
  }

  /** These return an int, above which a register holds anything. */
  private static void checkZero(String call, LibraryFunction.Result result) throws Refused {
    check((int) result.value() == 0, call, result);
  }

  private static void check(boolean good, String call, LibraryFunction.Result result) throws Refused {
    if (!good) {
      throw new Refused(call, result.error());
    }
  }
}
