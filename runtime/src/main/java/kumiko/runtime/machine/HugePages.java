package kumiko.runtime.machine;

import java.lang.foreign.MemorySegment;

/**
 * Memory that is read from end to end is quicker in pages of 2 MiB than of 4 KiB: the processor keeps track of fewer, and what it fetches
 * ahead ends at fewer borders. Linux makes large pages where a program asks for them.
 */
public final class HugePages {
  /** Bytes of a large page: of x86-64, and of arm64 with small ones of 4 KiB. */
  public static final long BYTES = 2L << 20;

  private static final boolean IS_LINUX = System.getProperty("os.name").equals("Linux");

  private HugePages() {}

  /**
   * Asks for large pages where {@code memory} holds whole ones, before it is touched: memory of the process, or a mapped file, which then
   * is read in pieces as large. Where the system refuses or knows no such request everything stays as it is.
   */
  public static void ask(MemorySegment memory) {
    long first = Math.ceilDiv(memory.address(), BYTES) * BYTES;
    long end = Math.floorDiv(memory.address() + memory.byteSize(), BYTES) * BYTES;
    if (IS_LINUX && first < end) {
      SystemCalls.askForHugePages(first, end - first);
    }
  }
}
