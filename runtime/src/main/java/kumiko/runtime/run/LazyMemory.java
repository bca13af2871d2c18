package kumiko.runtime.run;

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
final class LazyMemory {
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

  /** @throws IllegalArgumentException naming {@code purpose} when the system has no room for so much */
  static MemorySegment allocate(Arena arena, long bytes, String purpose) {
    MemorySegment block = calloc(Math.addExact(bytes, ALIGNMENT));
    if (block.address() == 0) {
      throw new IllegalArgumentException(
          purpose + " would take " + (bytes >> 20) + " MiB, which the system refuses: open fewer slots or a smaller capacity");
    }
    long skip = -block.address() & (ALIGNMENT - 1);
    return block.reinterpret(bytes + ALIGNMENT, arena, LazyMemory::free).asSlice(skip, bytes);
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
