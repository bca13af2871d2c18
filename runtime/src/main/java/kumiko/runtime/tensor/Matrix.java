package kumiko.runtime.tensor;

import java.util.ArrayList;
import java.util.List;

/**
 * A parameter as the mathematics sees it, {@code [rows, columns]}, put together from {@link Slab}s of stored tensors without copying.
 * Splits, transposes, shard merges and rotary reorderings of a checkpoint are all views of this kind. Where slabs overlap, the
 * element is their <em>sum</em> (row-parallel biases). A vector of n elements is an n x 1 matrix.
 */
public record Matrix(DType dtype, int rows, int columns, List<Slab> slabs) {
  public Matrix {
    slabs = List.copyOf(slabs);
  }

  /** A tensor of rank 1 (n x 1) or 2 as it is stored. */
  public static Matrix of(Tensor tensor) {
    Shape shape = tensor.shape();
    int rows = Math.toIntExact(shape.dim(0));
    int columns = switch (shape.rank()) {
      case 1 -> 1;
      case 2 -> Math.toIntExact(shape.dim(1));
      default -> throw new IllegalArgumentException("a matrix is made of a tensor of rank 1 or 2, not " + shape);
    };
    return new Matrix(tensor.dtype(), rows, columns, List.of(new Slab(tensor.data(), 0, 0, 1, rows, 0, columns, columns, 1)));
  }

  /** @throws IllegalStateException if the type lies in rows that cannot be taken apart */
  public Matrix transpose() {
    requireElements();
    List<Slab> turned = new ArrayList<>(slabs.size());
    for (Slab s : slabs) {
      if (s.rowStep() != 1) {
        throw new IllegalStateException("rows were interleaved before the transpose; the order is merge, transpose, split, rope");
      }
      turned.add(
          new Slab(s.data(), s.offset(), s.column(), 1, s.columns(), s.row(), s.rows(), s.columnStride(), s.rowStride()));
    }
    return new Matrix(dtype, columns, rows, turned);
  }

  /** Rows {@code from, from + step, ...}, {@code count} of them. */
  public Matrix rows(int from, int count, int step) {
    requireRows();
    if (from < 0 || count < 0 || step < 1 || (count > 0 && from + (long) (count - 1) * step >= rows)) {
      throw new IndexOutOfBoundsException("rows " + from + " + " + count + " * " + step + " of a matrix of " + rows + " rows");
    }
    List<Slab> cut = new ArrayList<>();
    for (Slab s : slabs) {
      cutRows(s, from, count, step, cut);
    }
    return new Matrix(dtype, count, columns, cut);
  }

  /** The rows of {@code s} that are among {@code from + j * step}: both count in steps, so the common rows do as well. */
  private static void cutRows(Slab s, int from, int count, int step, List<Slab> into) {
    int common = gcd(s.rowStep(), step);
    int first = firstCommonRow(s, from, step, step / common);
    if (first < 0 || count == 0) {
      return;
    }
    long row = s.row() + (long) first * s.rowStep();
    long last = from + (long) (count - 1) * step;
    if (row > last) {
      return;
    }
    long inSlab = (s.rows() - 1L - first) / (step / common);
    long inCut = (last - row) / ((long) s.rowStep() * (step / common));
    int taken = Math.toIntExact(Math.min(inSlab, inCut) + 1);
    long offset = s.offset() + first * s.rowStride();
    int at = Math.toIntExact((row - from) / step);
    into.add(new Slab(s.data(), offset, at, s.rowStep() / common, taken, s.column(), s.columns(), s.rowStride() * (step / common),
        s.columnStride()));
  }

  /** The first row of {@code s}, not before {@code from}, whose distance from it is a multiple of {@code step}; -1 if there is none. */
  private static int firstCommonRow(Slab s, int from, int step, int period) {
    int start = s.row() >= from ? 0 : Math.ceilDiv(from - s.row(), s.rowStep());
    for (int r = start; r < Math.min(s.rows(), (long) start + period); r++) {
      if ((s.row() + (long) r * s.rowStep() - from) % step == 0) {
        return r;
      }
    }
    return -1;
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }

  private void requireElements() {
    if (dtype == DType.I8_ROWS) {
      throw new IllegalStateException(dtype + " is kept in whole rows, which are neither turned nor cut into columns");
    }
    requireRows();
  }

  private void requireRows() {
    if (BlockTile.holds(dtype)) {
      throw new IllegalStateException(dtype + " is kept in tiles, of which no views are made");
    }
  }

  /** Columns {@code from .. from + count}. */
  public Matrix columns(int from, int count) {
    requireElements();
    if (from < 0 || count < 0 || from + (long) count > columns) {
      throw new IndexOutOfBoundsException("columns " + from + " + " + count + " of a matrix of " + columns + " columns");
    }
    List<Slab> cut = new ArrayList<>();
    for (Slab s : slabs) {
      int first = Math.max(from, s.column());
      int end = Math.min(from + count, s.column() + s.columns());
      if (first < end) {
        long offset = s.offset() + (first - s.column()) * s.columnStride();
        cut.add(new Slab(s.data(), offset, s.row(), s.rowStep(), s.rows(), first - from, end - first, s.rowStride(), s.columnStride()));
      }
    }
    return new Matrix(dtype, rows, count, cut);
  }

  /** Bytes that so many elements of this type take, with what belongs to their rows. */
  public long bytes() {
    return dtype.bytes((long) rows * columns) + (dtype == DType.I8_ROWS ? (long) rows * Float.BYTES : 0);
  }

  /** Whether some elements are the sum of several stored ones. */
  public boolean isSummed() {
    long stored = 0;
    for (Slab s : slabs) {
      stored += (long) s.rows() * s.columns();
    }
    return stored > (long) rows * columns;
  }

  /** Whether rows of some slab take turns with those of another. */
  public boolean isInterleaved() {
    return slabs.stream().anyMatch(s -> s.rowStep() != 1);
  }

  /** Matrices below one another; all must have the same columns and type. */
  public static Matrix stackRows(List<Matrix> parts) {
    List<Slab> all = new ArrayList<>();
    int row = 0;
    for (Matrix part : parts) {
      requireSame(parts.getFirst(), part, parts.getFirst().columns == part.columns);
      for (Slab s : part.slabs) {
        all.add(moved(s, s.row() + row, s.rowStep(), s.column()));
      }
      row += part.rows;
    }
    return new Matrix(parts.getFirst().dtype, row, parts.getFirst().columns, all);
  }

  /** Matrices beside one another; all must have the same rows and type. */
  public static Matrix stackColumns(List<Matrix> parts) {
    List<Slab> all = new ArrayList<>();
    int column = 0;
    for (Matrix part : parts) {
      requireSame(parts.getFirst(), part, parts.getFirst().rows == part.rows);
      for (Slab s : part.slabs) {
        all.add(moved(s, s.row(), s.rowStep(), s.column() + column));
      }
      column += part.columns;
    }
    return new Matrix(parts.getFirst().dtype, parts.getFirst().rows, column, all);
  }

  /** The sum of matrices of one shape, as overlapping slabs. */
  public static Matrix sum(List<Matrix> parts) {
    List<Slab> all = new ArrayList<>();
    for (Matrix part : parts) {
      requireSame(parts.getFirst(), part, parts.getFirst().rows == part.rows && parts.getFirst().columns == part.columns);
      all.addAll(part.slabs);
    }
    return new Matrix(parts.getFirst().dtype, parts.getFirst().rows, parts.getFirst().columns, all);
  }

  /** Two matrices of equal shape taking turns: row 0 of the first, row 0 of the second, row 1 of the first, ... */
  public static Matrix interleaveRows(Matrix even, Matrix odd) {
    requireSame(even, odd, even.rows == odd.rows && even.columns == odd.columns);
    List<Slab> all = new ArrayList<>();
    for (Slab s : even.slabs) {
      all.add(moved(s, 2 * s.row(), 2 * s.rowStep(), s.column()));
    }
    for (Slab s : odd.slabs) {
      all.add(moved(s, 2 * s.row() + 1, 2 * s.rowStep(), s.column()));
    }
    return new Matrix(even.dtype, 2 * even.rows, even.columns, all);
  }

  private static Slab moved(Slab s, int row, int rowStep, int column) {
    return new Slab(s.data(), s.offset(), row, rowStep, s.rows(), column, s.columns(), s.rowStride(), s.columnStride());
  }

  private static void requireSame(Matrix a, Matrix b, boolean fits) {
    if (!fits || a.dtype != b.dtype) {
      throw new IllegalArgumentException(
          "matrices do not fit together: "
              + a.dtype + " [" + a.rows + ", " + a.columns + "] and " + b.dtype + " [" + b.rows + ", " + b.columns + "]");
    }
  }
}
