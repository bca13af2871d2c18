package kumiko.runtime.kernel;

import java.util.List;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Slab;

/** Which rows of the slabs that a weight is put together from are multiplied, and which of them lie in line. */
final class SlabRows {
  private SlabRows() {}

  /**
   * The end of the slabs from {@code s} on that {@link PanelGemm#multiply} had best get together: they lie in rows and meet the same
   * columns.
   */
  static int together(Format format, List<Slab> slabs, int s) {
    Slab first = slabs.get(s);
    int end = s + 1;
    while (isInRows(format, first) && end < slabs.size() && meetsSame(first, slabs.get(end)) && format.reads(slabs.get(end))) {
      end++;
    }
    return end;
  }

  /** Whether the columns of a row are neighbours in memory. */
  static boolean isInRows(Format format, Slab slab) {
    return slab.columnStride() == 1 && !format.isInBlocks();
  }

  private static boolean meetsSame(Slab a, Slab b) {
    return b.columnStride() == 1 && b.column() == a.column() && b.columns() == a.columns();
  }

  /** Whether slabs {@code [s, behind)} have rows among rows {@code [from, to)} of the matrix. */
  static boolean reaches(List<Slab> slabs, int s, int behind, int from, int to) {
    for (int i = s; i < behind; i++) {
      if (first(slabs.get(i), from) < end(slabs.get(i), to)) {
        return true;
      }
    }
    return false;
  }

  /** The first row of a slab that is row {@code from} of the matrix or behind it. */
  static int first(Slab slab, int from) {
    return Math.max(0, Math.ceilDiv(from - slab.row(), slab.rowStep()));
  }

  /** Behind the last row of a slab that is before row {@code to} of the matrix. */
  static int end(Slab slab, int to) {
    return Math.min(slab.rows(), Math.ceilDiv(to - slab.row(), slab.rowStep()));
  }

  /** Up to {@code most} rows from {@code first} of slab {@code i} on that lie one behind the other, in this slab and the next ones. */
  static int inLine(List<Slab> slabs, int i, int behind, int first, int from, int to, int most) {
    int count = end(slabs.get(i), to) - first;
    for (int last = i; count < most && last + 1 < behind && end(slabs.get(last), to) == slabs.get(last).rows(); last++) {
      Slab next = slabs.get(last + 1);
      if (!follows(slabs.get(last), next) || first(next, from) > 0 || end(next, to) <= 0) {
        break;
      }
      count += end(next, to);
    }
    return Math.min(count, most);
  }

  private static boolean follows(Slab slab, Slab next) {
    return next.data().equals(slab.data()) && next.rowStride() == slab.rowStride()
        && next.offset() == slab.offset() + slab.rows() * slab.rowStride();
  }

  /** Whether one slab is the whole weight and lies in columns. */
  static boolean readsColumns(Matrix weight) {
    Format format = Format.of(weight.dtype());
    Slab slab = weight.slabs().getFirst();
    return format != null && !format.isInBlocks() && weight.slabs().size() == 1 && slab.columnStride() != 1 && format.reads(slab);
  }

  /** Whether all slabs lie in rows and meet all columns. */
  static boolean readsAll(Matrix weight) {
    Format format = Format.of(weight.dtype());
    List<Slab> slabs = weight.slabs();
    for (int s = 0; s < slabs.size(); s++) {
      Slab slab = slabs.get(s);
      if (format == null || !isInRows(format, slab) || slab.columns() != weight.columns() || !format.reads(slab)) {
        return false;
      }
    }
    return true;
  }
}
