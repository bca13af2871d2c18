package kumiko.runtime.run;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Elements;

/**
 * Chooses a token from logits. Temperature first, then the {@code topK} most probable, then the smallest set of those whose
 * probabilities reach {@code topP}; among them by chance. Of equal logits the lower id counts as the more probable.
 *
 * <p>The same seed gives the same tokens on every machine; give each sequence its own sampler, so that its text does not depend on what
 * runs beside it. Choosing allocates nothing after the first call.
 */
public final class Sampler {
  /** Named, so that a seed means the same everywhere. */
  private static final String ALGORITHM = "L64X128MixRandom";

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final double temperature;
  private final int topK;
  private final double topP;
  private final RandomGenerator random;
  private float[] floats = new float[0];
  private double[] weights = new double[0];
  private int[] heap = new int[0];

  private Sampler(double temperature, int topK, double topP, long seed) {
    this.temperature = temperature;
    this.topK = topK;
    this.topP = topP;
    random = RandomGeneratorFactory.of(ALGORITHM).create(seed);
  }

  /** The most probable token. */
  public static Sampler greedy() {
    return new Sampler(0, 0, 1, 0);
  }

  /**
   * @param temperature divides the logits; 0 is greedy
   * @param topK how many tokens are considered; 0 is all
   * @param topP probability that the considered tokens reach together, {@code 0 < topP <= 1}; 1 is all
   */
  public static Sampler of(double temperature, int topK, double topP, long seed) {
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw new IllegalArgumentException("temperature is a number of at least 0, not " + temperature);
    }
    if (topK < 0) {
      throw new IllegalArgumentException("top-k is a count of tokens, 0 for all, not " + topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException("top-p is a probability above 0 and at most 1, not " + topP);
    }
    return new Sampler(temperature, topK, topP, seed);
  }

  /** Goes on as if so many tokens had been chosen already: for a sequence that was begun by another sampler of the same seed. */
  public Sampler skip(int tokens) {
    for (int i = 0; i < tokens; i++) {
      random.nextDouble();
    }
    return this;
  }

  /** @throws IllegalArgumentException when a logit is not a number */
  public int next(MemorySegment logits, DType dtype) {
    int vocab = (int) (logits.byteSize() / dtype.blockBytes());
    if (weights.length < vocab) {
      weights = new double[vocab];
    }
    read(logits, dtype, vocab);
    int best = argmax(vocab);
    if (temperature == 0) {
      return best;
    }
    double most = weights[best];
    double sum = 0;
    for (int i = 0; i < vocab; i++) {
      weights[i] = Math.exp((weights[i] - most) / temperature);
      sum += weights[i];
    }
    boolean all = (topK == 0 || topK >= vocab) && topP == 1;
    return all ? drawFromAll(vocab, sum) : drawFromBest(vocab, sum);
  }

  /**
   * The logits are the weights at first. Each token waits for this: the usual type is copied as a whole, as a hundred thousand reads of a
   * segment take 25 ms before the JVM has compiled them.
   */
  private void read(MemorySegment logits, DType dtype, int vocab) {
    if (dtype == DType.F32) {
      if (floats.length < vocab) {
        floats = new float[vocab];
      }
      MemorySegment.copy(logits, FLOAT, 0, floats, 0, vocab);
      for (int i = 0; i < vocab; i++) {
        weights[i] = floats[i];
      }
    } else {
      for (int i = 0; i < vocab; i++) {
        weights[i] = Elements.get(dtype, logits, i);
      }
    }
  }

  private int argmax(int vocab) {
    int best = 0;
    double most = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < vocab; i++) {
      double logit = weights[i];
      // One comparison for nearly all of them.
      if (!(logit <= most)) {
        if (Double.isNaN(logit)) {
          throw new IllegalArgumentException(
              "the logit of token " + i + " is not a number; a weight is damaged or an activation overflowed");
        }
        most = logit;
        best = i;
      }
    }
    return best;
  }

  private int drawFromAll(int vocab, double sum) {
    double left = random.nextDouble() * sum;
    int last = 0;
    for (int i = 0; i < vocab; i++) {
      if (weights[i] > 0) {
        last = i;
        left -= weights[i];
        if (left < 0) {
          return i;
        }
      }
    }
    return last;
  }

  /** The most probable come off a heap one by one until they are enough; they gather behind its end, the first of them last. */
  private int drawFromBest(int vocab, double sum) {
    if (heap.length < vocab) {
      heap = new int[vocab];
    }
    for (int i = 0; i < vocab; i++) {
      heap[i] = i;
    }
    for (int i = vocab / 2 - 1; i >= 0; i--) {
      sift(i, vocab);
    }
    int most = topK == 0 ? vocab : Math.min(topK, vocab);
    double target = topK == 0 ? topP * sum : Double.POSITIVE_INFINITY;
    int taken = 0;
    double mass = 0;
    while (taken < most && (taken == 0 || mass < target)) {
      int end = vocab - ++taken;
      int top = heap[0];
      heap[0] = heap[end];
      heap[end] = top;
      sift(0, end);
      mass += weights[top];
    }
    // The share of top-p counts within the top-k.
    int kept = topK == 0 ? taken : enough(vocab, taken, topP * mass);
    return draw(vocab, kept);
  }

  private int enough(int vocab, int taken, double target) {
    double mass = weights[heap[vocab - 1]];
    int kept = 1;
    while (kept < taken && mass < target) {
      kept++;
      mass += weights[heap[vocab - kept]];
    }
    return kept;
  }

  private int draw(int vocab, int kept) {
    double mass = 0;
    for (int i = 1; i <= kept; i++) {
      mass += weights[heap[vocab - i]];
    }
    double left = random.nextDouble() * mass;
    for (int i = 1; i < kept; i++) {
      left -= weights[heap[vocab - i]];
      if (left < 0) {
        return heap[vocab - i];
      }
    }
    return heap[vocab - kept];
  }

  private void sift(int root, int size) {
    int at = root;
    while (true) {
      int child = 2 * at + 1;
      if (child >= size) {
        return;
      }
      if (child + 1 < size && before(heap[child + 1], heap[child])) {
        child++;
      }
      if (!before(heap[child], heap[at])) {
        return;
      }
      int moved = heap[at];
      heap[at] = heap[child];
      heap[child] = moved;
      at = child;
    }
  }

  private boolean before(int a, int b) {
    return weights[a] > weights[b] || (weights[a] == weights[b] && a < b);
  }
}
