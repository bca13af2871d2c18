package kumiko.runtime.tensor;

import java.lang.foreign.MemorySegment;

/**
 * A dense row-major tensor over memory that it does not own: a stretch of a mapped checkpoint file, or off-heap memory of an arena.
 * Little endian, no alignment is promised.
 */
public record Tensor(DType dtype, Shape shape, MemorySegment data) {
  public Tensor {
    long expected = dtype.bytes(shape.elements());
    if (data.byteSize() != expected) {
      throw new IllegalArgumentException(
          "a tensor of " + dtype + " " + shape + " takes " + expected + " bytes, but its data has " + data.byteSize());
    }
  }
}
