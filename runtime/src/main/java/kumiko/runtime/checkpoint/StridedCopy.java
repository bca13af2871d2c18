package kumiko.runtime.checkpoint;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.tensor.Shape;
import kumiko.runtime.tensor.Tensor;

/** Makes a dense row-major tensor of a strided view of a storage: element [i, j, ...] lies at i*stride0 + j*stride1 + ... */
final class StridedCopy {
  private final MappedFile file;
  private final TensorEntry entry;
  private final MemorySegment target;
  private final long width;
  private long filled;

  private StridedCopy(MappedFile file, TensorEntry entry) {
    this.file = file;
    this.entry = entry;
    this.width = entry.dtype().blockBytes();
    this.target = file.allocate(entry.bytes());
  }

  static Tensor of(MappedFile file, TensorEntry entry) {
    StridedCopy copy = new StridedCopy(file, entry);
    copy.axis(0, entry.position());
    return new Tensor(entry.dtype(), entry.shape(), copy.target);
  }

  private void axis(int axis, long position) {
    Shape shape = entry.shape();
    long step = entry.strides().get(axis) * width;
    if (axis == shape.rank() - 1) {
      row(position, shape.dim(axis), step);
      return;
    }
    for (long i = 0; i < shape.dim(axis); i++) {
      axis(axis + 1, position + i * step);
    }
  }

  private void row(long position, long count, long step) {
    if (step == width) {
      MemorySegment.copy(file.slice(position, count * width), 0, target, filled, count * width);
      filled += count * width;
      return;
    }
    // One bounds check for the row, then plain copies within it.
    MemorySegment source = file.slice(position, (count - 1) * step + width);
    for (long i = 0; i < count; i++) {
      MemorySegment.copy(source, i * step, target, filled, width);
      filled += width;
    }
  }
}
