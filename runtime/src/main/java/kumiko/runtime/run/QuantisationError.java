package kumiko.runtime.run;

import java.lang.foreign.Arena;
import kumiko.runtime.tensor.Matrix;

/**
 * How far quantised weights are from what they were made of.
 *
 * @param elements how many there are
 * @param largest the largest magnitude of a difference
 * @param squares the sum of the squared differences
 * @param squaresBefore the sum of the squared original weights
 */
public record QuantisationError(long elements, double largest, double squares, double squaresBefore) {
  /** Of nothing. */
  public static final QuantisationError NONE = new QuantisationError(0, 0, 0, 0);

  /** {@code ||w - w'|| / ||w||}; 0 where all weights are zero. */
  public double relative() {
    return squaresBefore == 0 ? 0 : Math.sqrt(squares / squaresBefore);
  }

  /** Of both together. */
  public QuantisationError plus(QuantisationError other) {
    return new QuantisationError(
        elements + other.elements,
        Math.max(largest, other.largest),
        squares + other.squares,
        squaresBefore + other.squaresBefore);
  }

  /** Compares two matrices of one shape, a few rows at a time. */
  public static QuantisationError of(Matrix before, Matrix after) {
    float[] original = new float[before.columns()];
    float[] changed = new float[before.columns()];
    double largest = 0;
    double squares = 0;
    double squaresBefore = 0;
    try (Arena arena = Arena.ofConfined()) {
      RowReader left = new RowReader(before, arena);
      RowReader right = new RowReader(after, arena);
      for (int from = 0; from < before.rows(); from += RowReader.ROWS) {
        int count = Math.min(RowReader.ROWS, before.rows() - from);
        left.read(from, count);
        right.read(from, count);
        for (int r = 0; r < count; r++) {
          left.take(r, original);
          right.take(r, changed);
          for (int c = 0; c < original.length; c++) {
            double difference = (double) original[c] - changed[c];
            largest = Math.max(largest, Math.abs(difference));
            squares += difference * difference;
            squaresBefore += (double) original[c] * original[c];
          }
        }
      }
    }
    return new QuantisationError((long) before.rows() * before.columns(), largest, squares, squaresBefore);
  }
}
