package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import kumiko.runtime.tensor.DType;

/** Dot products with {@link DType#Q4_0} weights. */
final class Q4Dots implements WeightDots {
  private static final int ELEMENTS = DType.Q4_0.blockElements();
  private static final int BYTES = DType.Q4_0.blockBytes();

  @Override
  public void rows(long w, long stride, int count, float[] x, int from, int n, float[] out, int to, float[] room) {
    for (int i = 0; i < count; i++) {
      FloatVector sum = Lanes.zero();
      long at = w + i * stride;
      for (int k = 0; k < n; k += ELEMENTS) {
        FloatVector scale = Lanes.all(Lanes.getF16(at));
        FloatVector block = Lanes.zero();
        for (int j = 0; j < ELEMENTS / 2; j += Lanes.COUNT) {
          IntVector pairs = Lanes.loadBytes(at + 2 + j);
          block = FloatVector.fromArray(Lanes.F32, x, from + k + j).fma(Lanes.lowNibbles(pairs), block);
          block = FloatVector.fromArray(Lanes.F32, x, from + k + j + ELEMENTS / 2).fma(Lanes.highNibbles(pairs), block);
        }
        sum = block.fma(scale, sum);
        at += BYTES;
      }
      out[to + i] = Lanes.sum(sum, room);
    }
  }

  @Override
  public void columns(long w, long stride, int count, float[] x, int from, int n, float[] out) {
    throw new AssertionError("blocks of " + DType.Q4_0 + " lie along the rows of a weight");
  }

  @Override
  public void eight(long w, long stride, int last, float[] x, int from, int n, float[] tile) {
    float[] weights = Desk.ofThread().weights(3 * n);
    for (int i = 0; i <= last; i++) {
      WeightRows.Q4_0.read(w + i * stride, 0, n, weights, i * n);
    }
    MicroKernels.eight(weights, x, from, n, tile);
  }
}
