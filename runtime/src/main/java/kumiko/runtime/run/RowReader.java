package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import kumiko.runtime.kernel.KernelProvider;
import kumiko.runtime.kernel.Kernels;
import kumiko.runtime.tensor.Dense;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Shape;
import kumiko.runtime.tensor.Tensor;

/** Reads a matrix in float32, some rows at a time, whatever type and pieces it is stored in. */
final class RowReader {
  /** Rows at a time: they stay in the caches, and a transposed tensor gives a cache line of each column. */
  static final int ROWS = 32;

  private final Matrix matrix;
  private final Kernels kernels = KernelProvider.kernels();
  private final MemorySegment ids;
  private final Rows rows;

  /** Null where the kernels can take rows from the matrix itself. */
  private final MemorySegment dense;

  RowReader(Matrix matrix, Arena arena) {
    this.matrix = matrix;
    boolean inUnits = matrix.dtype().isQuantised();
    dense = inUnits ? null : arena.allocate(Dense.bytes(matrix, ROWS), 64);
    ids = arena.allocate(ValueLayout.JAVA_INT, ROWS);
    rows = new Rows(arena.allocate(ValueLayout.JAVA_FLOAT, (long) ROWS * matrix.columns()), matrix.columns());
  }

  /** Makes rows {@code from .. from + count}, at most {@link #ROWS}, ready to be taken. */
  void read(int from, int count) {
    Matrix source = matrix;
    if (dense != null) {
      Dense.copyRows(matrix, from, count, dense);
      MemorySegment taken = dense.asSlice(0, Dense.bytes(matrix, count));
      source = Matrix.of(new Tensor(matrix.dtype(), Shape.of(count, matrix.columns()), taken));
    }
    for (int r = 0; r < count; r++) {
      ids.setAtIndex(ValueLayout.JAVA_INT, r, dense == null ? from + r : r);
    }
    kernels.embed(source, ids, rows, 0, count);
  }

  /** Row {@code index} of those read last. */
  void take(int index, float[] into) {
    MemorySegment.copy(rows.data(), ValueLayout.JAVA_FLOAT, 4L * index * matrix.columns(), into, 0, matrix.columns());
  }
}
