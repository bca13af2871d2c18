package kumiko.runtime.machine;

import kumiko.runtime.tensor.DType;

/** Dot products of rows of weights with eight rows of activations at once, each weight read once. */
public interface Eights {
  int EIGHT = EightCode.EIGHT;

  /** {@link #columns} at most. */
  int MOST_COLUMNS = EightCode.MOST_COLUMNS;

  /** Bytes of a row of results: eight, and room for as many that {@link #add} may write behind them. */
  int TILE_BYTES = 2 * EIGHT * Float.BYTES;

  /** Columns that {@link #add} has room for, for the nearest cache. */
  int columns();

  /** Bytes from one of the eight rows to the next. */
  int stride();

  /** Whether weights of this type are read as they are stored. */
  boolean reads(DType type);

  /**
   * Whether {@link #add} takes rows of so many columns at once, which may be more than {@link #columns()}, and best many of them: it reads them
   * from several places.
   *
   * @param from bytes from one row of weights to the next
   * @param others how many rows of activations there are
   */
  boolean readsWhole(DType type, long from, int others, int columns);

  /**
   * Rows of float32 as {@link #add} takes them.
   *
   * @param x address of the first row
   * @param from bytes from one row to the next
   * @param rows 1 to 8
   * @param columns at most {@link #columns()}
   * @param to address of the first of the eight rows
   */
  void pack(long x, long from, int rows, int columns, long to);

  /**
   * {@code tile[i, r] += sum over k < columns of x[r, k] * weights[i, k]} for {@code i < rows} and r below {@link #EIGHT}; the next eight
   * elements of each row of the tile may change too.
   *
   * @param weights address of the first row
   * @param from bytes from one row of weights to the next
   * @param x address of eight packed rows, or of their pieces one behind the other
   * @param others how many of them count, at least 1: the results of those behind may be anything
   * @param tile address of results, {@link #TILE_BYTES} bytes a row
   * @param later address of as many weights that will be needed after those between, in the order they lie in
   */
  void add(DType type, long weights, long from, int rows, long x, int others, int columns, long tile, long later);

  /** Inputs that {@link #addByColumns} has room for, {@link #columns} or more. */
  default int inputs() {
    return columns();
  }

  /** {@link #pack} of up to {@link #inputs} columns, as {@link #addByColumns} takes them. */
  default void packInputs(long x, long from, int rows, int columns, long to) {
    pack(x, from, rows, columns, to);
  }

  /** Whether {@link #addByColumns} takes so many rows of x and weights of this type. */
  boolean readsColumns(DType type, int others);

  /**
   * {@code y[r, c] += sum over k < rows of x[r, k] * weights[k, c]} for {@code r < others} and {@code c < columns}, where {@link #readsColumns}
   * says so: each column of weights meets the rows of activations.
   *
   * @param stride bytes from one row of weights to the next
   * @param rows at most {@link #inputs()}
   * @param x address of eight rows from {@link #packInputs}
   * @param y address of the first row of float32
   * @param yStride bytes from one of those to the next, below 2^31
   */
  void addByColumns(DType type, long weights, long stride, int rows, long x, int others, int columns, long y, long yStride);
}
