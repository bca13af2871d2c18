package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShuffle;
import kumiko.runtime.graph.Pairing;
import kumiko.runtime.tensor.Rows;

/** Rotary embedding of one row: pairs of every head turned by the row's angles. */
final class VectorRotary {
  /** Every lane's partner in its pair. */
  private static final VectorShuffle<Float> SWAP = VectorShuffle.fromOp(Lanes.F32, lane -> lane ^ 1);

  private VectorRotary() {}

  static void rotate(Rows x, Rows angles, int headDim, int first, Pairing pairing, Rows y, int from, int to) {
    Desk desk = Desk.ofThread();
    int pairs = angles.width() / 2;
    float[] cosines = desk.weights(2 * pairs);
    float[] sines = desk.scores(2 * pairs);
    for (int r = from; r < to; r++) {
      boolean halves = pairing == Pairing.HALVES;
      spread(VectorLinear.address(angles, r, 0), pairs, halves, cosines, sines);
      for (int head = 0; head < x.width(); head += headDim) {
        long in = VectorLinear.address(x, r, head);
        long out = VectorLinear.address(y, r, head);
        if (in != out) {
          Memory.move(in, out, headDim);
        }
        turn(out + 4L * first, pairs, halves, cosines, sines);
      }
    }
  }

  /** Of neighbouring elements both have their pair's cosine, and its sine with the sign that it is added with. */
  private static void spread(long angles, int pairs, boolean halves, float[] cosines, float[] sines) {
    if (halves) {
      Memory.read(angles, cosines, 0, pairs);
      Memory.read(angles + 4L * pairs, sines, 0, pairs);
      return;
    }
    for (int j = 0; j < pairs; j++) {
      cosines[2 * j] = Memory.get(angles + 4L * j);
      cosines[2 * j + 1] = cosines[2 * j];
      sines[2 * j + 1] = Memory.get(angles + 4L * (pairs + j));
      sines[2 * j] = -sines[2 * j + 1];
    }
  }

  /** In place; both pairings in one method, which is too long to be inlined, as {@link Lanes} asks. */
  private static void turn(long x, int pairs, boolean halves, float[] cosines, float[] sines) {
    int j = 0;
    long far = x + 4L * pairs;
    for (; halves && j + Lanes.COUNT <= pairs; j += Lanes.COUNT) {
      FloatVector c = FloatVector.fromArray(Lanes.F32, cosines, j);
      FloatVector s = FloatVector.fromArray(Lanes.F32, sines, j);
      FloatVector a = Lanes.load(x + 4L * j);
      FloatVector b = Lanes.load(far + 4L * j);
      Lanes.store(a.mul(c).sub(b.mul(s)), x + 4L * j);
      Lanes.store(b.mul(c).add(a.mul(s)), far + 4L * j);
    }
    for (; halves && j < pairs; j++) {
      float a = Memory.get(x + 4L * j);
      float b = Memory.get(far + 4L * j);
      Memory.set(x + 4L * j, a * cosines[j] - b * sines[j]);
      Memory.set(far + 4L * j, b * cosines[j] + a * sines[j]);
    }
    for (; !halves && j + Lanes.COUNT <= 2 * pairs; j += Lanes.COUNT) {
      FloatVector v = Lanes.load(x + 4L * j);
      FloatVector turned = v.rearrange(SWAP).mul(FloatVector.fromArray(Lanes.F32, sines, j));
      Lanes.store(v.mul(FloatVector.fromArray(Lanes.F32, cosines, j)).add(turned), x + 4L * j);
    }
    for (; !halves && j < 2 * pairs; j += 2) {
      float a = Memory.get(x + 4L * j);
      float b = Memory.get(x + 4L * j + 4);
      Memory.set(x + 4L * j, a * cosines[j] + b * sines[j]);
      Memory.set(x + 4L * j + 4, b * cosines[j + 1] + a * sines[j + 1]);
    }
  }
}
