package kumiko.runtime.checkpoint;

import java.util.function.Function;
import kumiko.runtime.tensor.Shape;

/** Proves that tensors lie inside their storages, and the storages inside the file. */
final class StorageTable {
  /** Where the bytes of a storage lie in the file. */
  record Place(long position, long bytes) {}

  /** Views are copied when used; this many bytes beyond four times the file let small files expand broadcast tensors. */
  private static final long COPY_ALLOWANCE = 64L << 20;

  private final MappedFile file;
  private final Function<TorchStorage, Place> places;
  private long copied;

  StorageTable(MappedFile file, Function<TorchStorage, Place> places) {
    this.file = file;
    this.places = places;
  }

  TensorEntry entry(String name, TorchTensor tensor) {
    Place place = places.apply(tensor.storage());
    Shape shape = shape(name, tensor);
    long width = tensor.dtype().blockBytes();
    try {
      long end = Math.multiplyExact(Math.addExact(tensor.offset(), span(name, tensor, shape)), width);
      if (tensor.offset() < 0 || end > place.bytes()) {
        throw problem(
            name, "reaches from element " + tensor.offset() + " to byte " + end + " of its storage, which has " + place.bytes() + " bytes",
            "a tensor inside its storage");
      }
      TensorEntry entry = new TensorEntry(name, tensor.dtype(), shape, place.position() + tensor.offset() * width, tensor.strides());
      boundCopies(entry);
      return entry;
    } catch (ArithmeticException overflow) {
      throw problem(name, "has sizes and strides that leave 63 bits", "a tensor inside its storage");
    }
  }

  private Shape shape(String name, TorchTensor tensor) {
    try {
      return Shape.of(tensor.sizes().stream().mapToLong(Long::longValue).toArray());
    } catch (IllegalArgumentException impossible) {
      throw problem(name, "has an impossible shape: " + impossible.getMessage(), "extents that are not negative and fit 63 bits together");
    }
  }

  /** How many elements of the storage lie between the first and the last of the tensor, both counted. */
  private long span(String name, TorchTensor tensor, Shape shape) {
    if (shape.elements() == 0) {
      return 0;
    }
    long last = 0;
    for (int axis = 0; axis < shape.rank(); axis++) {
      long stride = tensor.strides().get(axis);
      if (stride < 0) {
        throw problem(name, "has the stride " + stride, "strides that are not negative");
      }
      last = Math.addExact(last, Math.multiplyExact(shape.dim(axis) - 1, stride));
    }
    return Math.addExact(last, 1);
  }

  private void boundCopies(TensorEntry entry) {
    if (entry.isContiguous()) {
      return;
    }
    copied = Math.addExact(copied, entry.bytes());
    if (copied > 4 * file.size() + COPY_ALLOWANCE) {
      throw problem(
          entry.name(),
          "unfolds into " + entry.dtype() + " " + entry.shape() + ", out of proportion to a file of " + file.size() + " bytes",
          "views not much larger than the file");
    }
  }

  private CheckpointException problem(String name, String found, String expected) {
    return file.damaged("tensor \"" + name + "\" " + found, expected);
  }
}
