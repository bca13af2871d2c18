package kumiko.runtime.checkpoint;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Shape;

/**
 * What a container file says about one tensor, before a byte of its data is touched.
 *
 * @param name the key in the file; nested dictionaries are joined by dots
 * @param dtype how the elements are stored
 * @param shape the extents, outermost first
 * @param position where element 0 lies, in bytes from the start of the file
 * @param strides the distance between neighbours along each axis, in elements; row-major unless the file holds a view
 */
public record TensorEntry(String name, DType dtype, Shape shape, long position, List<Long> strides) {
  public TensorEntry {
    strides = List.copyOf(strides);
  }

  static TensorEntry rowMajor(String name, DType dtype, Shape shape, long position) {
    return new TensorEntry(name, dtype, shape, position, rowMajorStrides(shape));
  }

  /** Bytes of the dense tensor, whatever the file needs to store it. */
  public long bytes() {
    return dtype.bytes(shape.elements());
  }

  /** Whether the elements lie in the file as a dense row-major tensor, so that the tensor is a view of the mapping. */
  public boolean isContiguous() {
    if (shape.elements() == 0) {
      return true;
    }
    long expected = 1;
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      if (shape.dim(axis) != 1 && strides.get(axis) != expected) {
        return false;
      }
      expected *= shape.dim(axis);
    }
    return true;
  }

  private static List<Long> rowMajorStrides(Shape shape) {
    List<Long> strides = new ArrayList<>(shape.rank());
    long step = 1;
    for (int axis = shape.rank() - 1; axis >= 0; axis--) {
      strides.add(step);
      step *= Math.max(1, shape.dim(axis));
    }
    Collections.reverse(strides);
    return strides;
  }
}
