package kumiko.runtime.kernel;

/**
 * Arrays that the vector kernels of one thread work on. Native memory is copied here where many vectors of it are live at once: a
 * compiled access to an array is a fraction of one to a segment, and the inner loops have a budget. They grow to the largest size seen
 * and stay, so a steady run allocates nothing.
 */
final class Desk {
  private static final ThreadLocal<Desk> DESKS = ThreadLocal.withInitial(Desk::new);

  /** Results of one inner loop: twenty-four vectors. */
  final float[] sums = new float[24 * VectorApi.LANES];

  /** One vector. */
  final float[] room = new float[VectorApi.LANES];

  /** A weight for each row of a tile. */
  final float[] column = new float[VectorGemm.TILE];

  /** A stretch of a row, whole vectors. */
  final float[] values = new float[32 * VectorApi.LANES];

  /** As long as {@link #values}. */
  final float[] exponents = new float[32 * VectorApi.LANES];

  /** As long as {@link #values}: what they meet, element by element. */
  final float[] others = new float[32 * VectorApi.LANES];

  /** As long as {@link #values}. */
  final int[] bits = new int[32 * VectorApi.LANES];

  /** The largest score of a row, in every lane. */
  final float[] max = new float[VectorApi.LANES];

  private float[] rows = new float[0];
  private float[] scores = new float[0];
  private float[] weights = new float[0];

  private final float[] results = new float[512];

  private Desk() {}

  static Desk ofThread() {
    return DESKS.get();
  }

  /** Room for at least {@code size} activations. */
  float[] rows(int size) {
    if (rows.length < size) {
      rows = new float[size + size / 2];
    }
    return rows;
  }

  /** Room for at least {@code size} scores and the rest of their last vector. */
  float[] scores(int size) {
    if (scores.length < size + VectorApi.LANES) {
      scores = new float[size + size / 2 + VectorApi.LANES];
    }
    return scores;
  }

  /** Room for at least {@code size} weights. */
  float[] weights(int size) {
    if (weights.length < size) {
      weights = new float[size];
    }
    return weights;
  }

  /** Eight times 64 results. */
  float[] results() {
    return results;
  }
}
