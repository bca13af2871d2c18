package kumiko.runtime.tensor;

import java.lang.foreign.MemorySegment;

/**
 * A rectangle of a {@link Matrix} that lies in one stored tensor. Element {@code (r, c)} of the slab, {@code 0 <= r < rows} and
 * {@code 0 <= c < columns}, is element {@code (row + r * rowStep, column + c)} of the matrix, and is stored at element
 * {@code offset + r * rowStride + c * columnStride} of {@code data}.
 *
 * <p>{@code columnStride == 1} is the ordinary row-major case; {@code rowStride == 1} is a transposed tensor. {@code rowStep} is 2
 * where rows of a rotary head are taken apart and interleaved.
 */
public record Slab(
    MemorySegment data,
    long offset,
    int row,
    int rowStep,
    int rows,
    int column,
    int columns,
    long rowStride,
    long columnStride) {

  /** The row of this slab that is row {@code matrixRow} of the matrix, or -1 when it has none. */
  public int indexOf(int matrixRow) {
    int distance = matrixRow - row;
    return distance >= 0 && distance % rowStep == 0 && distance / rowStep < rows ? distance / rowStep : -1;
  }
}
