package kumiko.runtime.machine;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Off-heap memory that reads as zero and takes room only where it is touched. An arena writes zeros over what it allocates, which would
 * commit gigabytes of a cache that is never filled; the C library's {@code calloc} gets large blocks as untouched pages.
 */
public final class LazyMemory {
  private static final int ALIGNMENT = 64;

  private static final MethodHandle CALLOC;
  private static final MethodHandle FREE;

  static {
    Linker linker = Linker.nativeLinker();
    ValueLayout size = (ValueLayout) linker.canonicalLayouts().get("size_t");
    CALLOC = linker.downcallHandle(linker.defaultLookup().findOrThrow("calloc"), FunctionDescriptor.of(ValueLayout.ADDRESS, size, size));
    FREE = linker.downcallHandle(linker.defaultLookup().findOrThrow("free"), FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));
  }

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
    MemorySegment block = calloc(Math.addExact(bytes, alignment));
    if (block.address() == 0) {
      throw new IllegalArgumentException(
          purpose + " would take " + (bytes >> 20)
              + " MiB, which the system refuses: free memory, or open fewer slots or a smaller capacity");
    }
    long skip = -block.address() & (alignment - 1);
    return block.reinterpret(bytes + alignment, arena, LazyMemory::free).asSlice(skip, bytes);
  }

  private static MemorySegment calloc(long bytes) {
    try {
      return (MemorySegment) CALLOC.invokeExact(1L, bytes);
    } catch (Throwable error) {
      throw new AssertionError("calloc does not throw", error);
    }
  }

  private static void free(MemorySegment block) {
    try {
      FREE.invokeExact(block);
    } catch (Throwable error) {
      throw new AssertionError("free does not throw", error);
    }
  }
}
