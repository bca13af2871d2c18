package kumiko.runtime.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Row-major copies of {@link Matrix} views, for export and for the few merges that cannot be views. */
public final class Dense {
  private Dense() {}

  /** The whole matrix, row-major, in memory of {@code arena}. */
  public static Matrix copy(Matrix matrix, Arena arena) {
    MemorySegment out = arena.allocate(bytes(matrix, matrix.rows()), 64);
    copyRows(matrix, 0, matrix.rows(), out);
    return Matrix.of(new Tensor(matrix.dtype(), Shape.of(matrix.rows(), matrix.columns()), out));
  }

  /** Bytes of {@code rows} rows of the matrix. */
  public static long bytes(Matrix matrix, int rows) {
    return matrix.dtype().bytes((long) rows * matrix.columns());
  }

  /**
   * Writes {@code count} rows beginning with {@code from} to {@code out}, row-major. Bytes are moved as they are, so that a copy is
   * identical in every bit; only summed matrices are computed, in double precision and rounded once.
   */
  public static void copyRows(Matrix matrix, int from, int count, MemorySegment out) {
    if (matrix.dtype().isQuantised()) {
      throw new UnsupportedOperationException("rows of " + matrix.dtype() + " are not copied");
    }
    Matrix cut = matrix.rows(from, count, 1);
    if (matrix.isSummed()) {
      sum(cut, out);
      return;
    }
    for (Slab s : cut.slabs()) {
      if (s.columnStride() == 1) {
        copyRuns(cut, s, out);
      } else {
        copyElements(cut, s, out);
      }
    }
  }

  private static void copyRuns(Matrix m, Slab s, MemorySegment out) {
    long size = m.dtype().blockBytes();
    for (int r = 0; r < s.rows(); r++) {
      long to = (s.row() + (long) r * s.rowStep()) * m.columns() + s.column();
      MemorySegment.copy(s.data(), (s.offset() + r * s.rowStride()) * size, out, to * size, s.columns() * size);
    }
  }

  /** Column by column: a transposed slab is read in the order in which it lies. */
  private static void copyElements(Matrix m, Slab s, MemorySegment out) {
    for (int c = 0; c < s.columns(); c++) {
      for (int r = 0; r < s.rows(); r++) {
        long from = s.offset() + r * s.rowStride() + c * s.columnStride();
        long to = (s.row() + (long) r * s.rowStep()) * m.columns() + s.column() + c;
        move(m.dtype().blockBytes(), s.data(), from, out, to);
      }
    }
  }

  private static void move(int size, MemorySegment in, long from, MemorySegment out, long to) {
    switch (size) {
      case 1 -> out.set(ValueLayout.JAVA_BYTE, to, in.get(ValueLayout.JAVA_BYTE, from));
      case 2 -> out.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * to, in.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * from));
      case 4 -> out.set(ValueLayout.JAVA_INT_UNALIGNED, 4 * to, in.get(ValueLayout.JAVA_INT_UNALIGNED, 4 * from));
      default -> out.set(ValueLayout.JAVA_LONG_UNALIGNED, 8 * to, in.get(ValueLayout.JAVA_LONG_UNALIGNED, 8 * from));
    }
  }

  private static void sum(Matrix m, MemorySegment out) {
    double[] row = new double[m.columns()];
    for (int r = 0; r < m.rows(); r++) {
      java.util.Arrays.fill(row, -0.0);
      for (Slab s : m.rows(r, 1, 1).slabs()) {
        for (int c = 0; c < s.columns(); c++) {
          row[s.column() + c] += Elements.get(m.dtype(), s.data(), s.offset() + c * s.columnStride());
        }
      }
      for (int c = 0; c < row.length; c++) {
        Elements.set(m.dtype(), out, (long) r * m.columns() + c, row[c]);
      }
    }
  }
}
