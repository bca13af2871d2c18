package kumiko.runtime.kernel;

/**
 * Arrays that the vector kernels of one thread work on. Native memory is copied here where many vectors of it are live at once: a
 * compiled access to an array is a fraction of one to a segment, and the inner loops have a budget. They grow to the largest size seen
 * and stay, so a steady run allocates nothing.
 */
final class Desk {
  private static final ThreadLocal<Desk> DESKS = ThreadLocal.withInitial(Desk::new);

  /** Results of one inner loop: up to sixteen vectors. */
  final float[] sums = new float[16 * Lanes.COUNT];

  /** One vector. */
  final float[] room = new float[Lanes.COUNT];

  private float[] rows = new float[0];
  private float[] scores = new float[0];
  private float[] weights = new float[0];

  private final float[] results = new float[256];

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

  /** Room for at least {@code size} scores. */
  float[] scores(int size) {
    if (scores.length < size) {
      scores = new float[size + size / 2];
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

  /** Four times 64 results. */
  float[] results() {
    return results;
  }
}
