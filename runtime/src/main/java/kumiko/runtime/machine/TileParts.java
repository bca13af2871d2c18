package kumiko.runtime.machine;

import java.util.ArrayList;
import java.util.List;
import kumiko.runtime.tensor.DType;

/**
 * Of how many numbers of bf16 the rows are sums, and the weights in a panel that meet them. A product of sums is the sum of the products of
 * their parts, of which those are left out that are below 2^-23 of the whole each: with row = r1 + r2 + r3 and weight = w1 + w2 + w3, whose
 * parts are below 1, 2^-7 and 2^-15 and, as weights are rounded to nearest, 1, 2^-8 and 2^-16 of them, those of r2 w3, r3 w2 and r3 w3.
 */
public enum TileParts {
  /** Rows and weights are bf16. */
  NONE(1, 1),
  /** Rows are float32. */
  ROWS(RowParts.PARTS, 1),
  /** Rows are float32, and weights have up to sixteen binary digits. */
  TWO(RowParts.PARTS, 2),
  /** Rows and weights are float32. */
  THREE(RowParts.PARTS, 3);

  private final int ofRow;
  private final int ofWeight;

  TileParts(int ofRow, int ofWeight) {
    this.ofRow = ofRow;
    this.ofWeight = ofWeight;
  }

  /** For weights of this type and rows that are float32. */
  public static TileParts ofFloats(DType weight) {
    return switch (weight) {
      case BF16 -> ROWS;
      case F16, Q4_0 -> TWO;
      default -> THREE;
    };
  }

  public int ofRow() {
    return ofRow;
  }

  public int ofWeight() {
    return ofWeight;
  }

  /** A product of parts, both counted from 0. */
  record Pair(int row, int weight) {}

  /** What is multiplied, so that of two neighbours one operand is the same. */
  List<Pair> pairs() {
    List<Pair> pairs = new ArrayList<>();
    for (int row = ofRow - 1; row > 0; row--) {
      pairs.add(new Pair(row, 0));
    }
    pairs.add(new Pair(0, 0));
    for (int weight = ofWeight - 1; weight > 0; weight--) {
      pairs.add(new Pair(0, weight));
    }
    if (ofWeight > 1) {
      pairs.add(new Pair(1, 1));
    }
    return pairs;
  }

  /** Products of bf16 for one of the whole. */
  public int products() {
    return pairs().size();
  }
}
