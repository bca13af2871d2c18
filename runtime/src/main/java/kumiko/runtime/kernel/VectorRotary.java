package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;
import kumiko.runtime.graph.Pairing;
import kumiko.runtime.tensor.Rows;

/** Rotary embedding of one row: pairs of every head turned by the row's angles. */
final class VectorRotary {
  /** Every lane's partner in its pair. */
  private static final VectorShuffle<Float> SWAP = VectorShuffle.fromOp(Lanes.F32, lane -> lane ^ 1);

  /** Lane j of a half vector to lanes 2j and 2j + 1. */
  private static final VectorShuffle<Float> TWICE = VectorShuffle.fromOp(Lanes.F32, lane -> lane / 2);

  private static final FloatVector SIGNS = signs();

  private VectorRotary() {}

  private static FloatVector signs() {
    float[] signs = new float[Lanes.COUNT];
    for (int lane = 0; lane < signs.length; lane++) {
      signs[lane] = lane % 2 == 0 ? -1 : 1;
    }
    return FloatVector.fromArray(Lanes.F32, signs, 0);
  }

  static void rotate(Rows x, Rows angles, int headDim, int first, Pairing pairing, Rows y, int from, int to) {
    int pairs = angles.width() / 2;
    for (int r = from; r < to; r++) {
      long cos = VectorLinear.address(angles, r, 0);
      for (int head = 0; head < x.width(); head += headDim) {
        long in = VectorLinear.address(x, r, head);
        long out = VectorLinear.address(y, r, head);
        if (in != out) {
          VectorElements.copyRow(in, out, first);
          long rest = 4L * (first + 2 * pairs);
          VectorElements.copyRow(in + rest, out + rest, headDim - first - 2 * pairs);
        }
        if (pairing == Pairing.HALVES) {
          halves(in + 4L * first, cos, cos + 4L * pairs, pairs, out + 4L * first);
        } else {
          adjacent(in + 4L * first, cos, cos + 4L * pairs, pairs, out + 4L * first);
        }
      }
    }
  }

  private static void halves(long x, long cos, long sin, int pairs, long y) {
    for (int j = 0; j < pairs; j += Lanes.COUNT) {
      VectorMask<Float> lanes = Lanes.first(pairs - j);
      FloatVector c = Lanes.load(cos + 4L * j, lanes);
      FloatVector s = Lanes.load(sin + 4L * j, lanes);
      FloatVector a = Lanes.load(x + 4L * j, lanes);
      FloatVector b = Lanes.load(x + 4L * (j + pairs), lanes);
      Lanes.store(a.mul(c).sub(b.mul(s)), y + 4L * j, lanes);
      Lanes.store(b.mul(c).add(a.mul(s)), y + 4L * (j + pairs), lanes);
    }
  }

  private static void adjacent(long x, long cos, long sin, int pairs, long y) {
    for (int j = 0; j < pairs; j += Lanes.COUNT / 2) {
      VectorMask<Float> half = Lanes.first(Math.min(Lanes.COUNT / 2, pairs - j));
      VectorMask<Float> lanes = Lanes.first(2 * (pairs - j));
      FloatVector c = Lanes.load(cos + 4L * j, half).rearrange(TWICE);
      FloatVector s = Lanes.load(sin + 4L * j, half).rearrange(TWICE).mul(SIGNS);
      FloatVector v = Lanes.load(x + 8L * j, lanes);
      Lanes.store(v.mul(c).add(v.rearrange(SWAP).mul(s)), y + 8L * j, lanes);
    }
  }
}
