package kumiko.runtime.run;

import java.util.function.LongToDoubleFunction;

/**
 * How far one tensor is from another that it should equal.
 *
 * @param elements how many numbers were compared
 * @param maxAbs the largest {@code |actual - expected|}; infinite where one of the two is not a number or they are different infinities
 * @param at the index of that difference, -1 where there are no elements
 * @param relative {@code |actual - expected| / |expected|} in the Euclidean norm; 0 where both are zero
 * @param cosine of the angle between both as vectors; 1 where both are zero
 */
public record TraceComparison(long elements, double maxAbs, long at, double relative, double cosine) {

  /** Compares {@code elements} numbers, given by their index. */
  public static TraceComparison of(long elements, LongToDoubleFunction expected, LongToDoubleFunction actual) {
    double maxAbs = 0;
    long at = elements == 0 ? -1 : 0;
    double squares = 0;
    double expectedSquares = 0;
    double actualSquares = 0;
    double product = 0;
    for (long i = 0; i < elements; i++) {
      double e = expected.applyAsDouble(i);
      double a = actual.applyAsDouble(i);
      double difference = difference(e, a);
      if (difference > maxAbs) {
        maxAbs = difference;
        at = i;
      }
      squares += difference * difference;
      expectedSquares += e * e;
      actualSquares += a * a;
      product += e * a;
    }
    return new TraceComparison(elements, maxAbs, at, ratio(squares, expectedSquares), cosine(product, expectedSquares, actualSquares));
  }

  /** Whether every number lies within the tolerance. */
  public boolean within(double tolerance) {
    return maxAbs <= tolerance;
  }

  /** Equal infinities do not differ; a NaN differs from everything, so that it is never overlooked. */
  private static double difference(double expected, double actual) {
    if (expected == actual) {
      return 0;
    }
    double difference = Math.abs(actual - expected);
    return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
  }

  private static double ratio(double squares, double expectedSquares) {
    return squares == 0 ? 0 : Math.sqrt(squares / expectedSquares);
  }

  private static double cosine(double product, double expectedSquares, double actualSquares) {
    if (expectedSquares == 0 && actualSquares == 0) {
      return 1;
    }
    return product / Math.sqrt(expectedSquares * actualSquares);
  }
}
