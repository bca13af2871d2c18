package kumiko.runtime.tensor;

import java.lang.foreign.MemorySegment;

/**
 * Activations {@code [rows, width]} in a workspace: element {@code (r, c)} lies at element {@code offset + r * stride + c} of
 * {@code data}, in the activation type of the kernels (f32, or f64 for reference runs). How many rows are filled is said by each call.
 */
public record Rows(MemorySegment data, long offset, int width, int stride) {
  public Rows(MemorySegment data, int width) {
    this(data, 0, width, width);
  }

  /** Columns {@code from .. from + count} of the same rows. */
  public Rows columns(int from, int count) {
    if (from < 0 || count < 0 || from + count > width) {
      throw new IndexOutOfBoundsException("columns " + from + " + " + count + " of " + width);
    }
    return new Rows(data, offset + from, count, stride);
  }
}
