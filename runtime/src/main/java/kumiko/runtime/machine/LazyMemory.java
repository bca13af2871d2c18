package kumiko.runtime.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Off-heap memory that reads as zero and takes room only where it is touched. An arena writes zeros over what it allocates, which would
 * commit gigabytes of a cache that is never filled; the C library's {@code calloc} gets large blocks as untouched pages.
 */
public final class LazyMemory {
  private static final int ALIGNMENT = 64;

  private static final MemorySegment CALLOC = NativeCall.function("calloc");
  private static final MemorySegment FREE = NativeCall.function("free");

  private LazyMemory() {}

  /**
   * Memory of which pages are taken one by one, at a multiple of 64.
   *
   * @throws IllegalArgumentException naming {@code purpose} when the system has no room for so much
   */
  public static MemorySegment allocate(Arena arena, long bytes, String purpose) {
    return allocate(arena, bytes, ALIGNMENT, purpose);
  }

  /**
   * The same in whole {@link HugePages} where it fills half of one or more, for what is written and read as a whole.
   *
   * @throws IllegalArgumentException naming {@code purpose} when the system has no room for so much
   */
  public static MemorySegment allocateHuge(Arena arena, long bytes, String purpose) {
    if (bytes < HugePages.BYTES / 2) {
      return allocate(arena, bytes, purpose);
    }
    long pages = Math.ceilDiv(bytes, HugePages.BYTES);
    MemorySegment memory = allocate(arena, pages * HugePages.BYTES, HugePages.BYTES, purpose);
    HugePages.ask(memory);
    return memory.asSlice(0, bytes);
  }

  private static MemorySegment allocate(Arena arena, long bytes, long alignment, String purpose) {
    MemorySegment block = MemorySegment.ofAddress(NativeCall.call(CALLOC, 1, Math.addExact(bytes, alignment), 0));
    if (block.address() == 0) {
      throw new IllegalArgumentException(
          purpose + " would take " + (bytes >> 20)
              + " MiB, which the system refuses: free memory, or open fewer slots or a smaller capacity");
    }
    long skip = -block.address() & (alignment - 1);
    return block.reinterpret(bytes + alignment, arena, whole -> NativeCall.call(FREE, whole.address(), 0, 0)).asSlice(skip, bytes);
  }
}
