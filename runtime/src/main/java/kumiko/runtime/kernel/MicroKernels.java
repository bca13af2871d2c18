package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * The innermost loops of matrix products: a block of results in registers, one step of the inner dimension at a time.
 *
 * <p>Each method is written out, short, and on arrays, whose accesses weigh less than those of memory segments: beyond its budget the
 * compiler would keep the sums as objects instead of in registers, at a tenth of the speed. So they start at zero, too: sums that were
 * loaded first are beyond it.
 */
final class MicroKernels {
  private MicroKernels() {}

  /**
   * Twelve weights, {@link VectorGemm#STRIDE} apart, times two vectors of activations, for {@code n} steps: two vectors of {@code tile}
   * for each weight.
   */
  static void twelve(float[] w, float[] x, int at, int n, float[] tile) {
    FloatVector s0a = Lanes.zero();
    FloatVector s0b = Lanes.zero();
    FloatVector s1a = Lanes.zero();
    FloatVector s1b = Lanes.zero();
    FloatVector s2a = Lanes.zero();
    FloatVector s2b = Lanes.zero();
    FloatVector s3a = Lanes.zero();
    FloatVector s3b = Lanes.zero();
    FloatVector s4a = Lanes.zero();
    FloatVector s4b = Lanes.zero();
    FloatVector s5a = Lanes.zero();
    FloatVector s5b = Lanes.zero();
    FloatVector s6a = Lanes.zero();
    FloatVector s6b = Lanes.zero();
    FloatVector s7a = Lanes.zero();
    FloatVector s7b = Lanes.zero();
    FloatVector s8a = Lanes.zero();
    FloatVector s8b = Lanes.zero();
    FloatVector s9a = Lanes.zero();
    FloatVector s9b = Lanes.zero();
    FloatVector s10a = Lanes.zero();
    FloatVector s10b = Lanes.zero();
    FloatVector s11a = Lanes.zero();
    FloatVector s11b = Lanes.zero();
    for (int k = 0; k < n; k++) {
      FloatVector a = FloatVector.fromArray(Lanes.F32, x, at + k * VectorGemm.PANEL);
      FloatVector b = FloatVector.fromArray(Lanes.F32, x, at + k * VectorGemm.PANEL + Lanes.COUNT);
      FloatVector v = Lanes.all(w[k]);
      s0a = v.fma(a, s0a);
      s0b = v.fma(b, s0b);
      v = Lanes.all(w[k + VectorGemm.STRIDE]);
      s1a = v.fma(a, s1a);
      s1b = v.fma(b, s1b);
      v = Lanes.all(w[k + 2 * VectorGemm.STRIDE]);
      s2a = v.fma(a, s2a);
      s2b = v.fma(b, s2b);
      v = Lanes.all(w[k + 3 * VectorGemm.STRIDE]);
      s3a = v.fma(a, s3a);
      s3b = v.fma(b, s3b);
      v = Lanes.all(w[k + 4 * VectorGemm.STRIDE]);
      s4a = v.fma(a, s4a);
      s4b = v.fma(b, s4b);
      v = Lanes.all(w[k + 5 * VectorGemm.STRIDE]);
      s5a = v.fma(a, s5a);
      s5b = v.fma(b, s5b);
      v = Lanes.all(w[k + 6 * VectorGemm.STRIDE]);
      s6a = v.fma(a, s6a);
      s6b = v.fma(b, s6b);
      v = Lanes.all(w[k + 7 * VectorGemm.STRIDE]);
      s7a = v.fma(a, s7a);
      s7b = v.fma(b, s7b);
      v = Lanes.all(w[k + 8 * VectorGemm.STRIDE]);
      s8a = v.fma(a, s8a);
      s8b = v.fma(b, s8b);
      v = Lanes.all(w[k + 9 * VectorGemm.STRIDE]);
      s9a = v.fma(a, s9a);
      s9b = v.fma(b, s9b);
      v = Lanes.all(w[k + 10 * VectorGemm.STRIDE]);
      s10a = v.fma(a, s10a);
      s10b = v.fma(b, s10b);
      v = Lanes.all(w[k + 11 * VectorGemm.STRIDE]);
      s11a = v.fma(a, s11a);
      s11b = v.fma(b, s11b);
    }
    s0a.intoArray(tile, 0);
    s0b.intoArray(tile, Lanes.COUNT);
    s1a.intoArray(tile, 2 * Lanes.COUNT);
    s1b.intoArray(tile, 3 * Lanes.COUNT);
    s2a.intoArray(tile, 4 * Lanes.COUNT);
    s2b.intoArray(tile, 5 * Lanes.COUNT);
    s3a.intoArray(tile, 6 * Lanes.COUNT);
    s3b.intoArray(tile, 7 * Lanes.COUNT);
    s4a.intoArray(tile, 8 * Lanes.COUNT);
    s4b.intoArray(tile, 9 * Lanes.COUNT);
    s5a.intoArray(tile, 10 * Lanes.COUNT);
    s5b.intoArray(tile, 11 * Lanes.COUNT);
    s6a.intoArray(tile, 12 * Lanes.COUNT);
    s6b.intoArray(tile, 13 * Lanes.COUNT);
    s7a.intoArray(tile, 14 * Lanes.COUNT);
    s7b.intoArray(tile, 15 * Lanes.COUNT);
    s8a.intoArray(tile, 16 * Lanes.COUNT);
    s8b.intoArray(tile, 17 * Lanes.COUNT);
    s9a.intoArray(tile, 18 * Lanes.COUNT);
    s9b.intoArray(tile, 19 * Lanes.COUNT);
    s10a.intoArray(tile, 20 * Lanes.COUNT);
    s10b.intoArray(tile, 21 * Lanes.COUNT);
    s11a.intoArray(tile, 22 * Lanes.COUNT);
    s11b.intoArray(tile, 23 * Lanes.COUNT);
  }

  /**
   * The same with numbers that stand side by side: those of step k in {@code w[from + k * AttentionTile.ROWS ...]}. A method of its own,
   * as distances that are constants need no registers.
   */
  static void twelveSideBySide(float[] w, int from, float[] x, int at, int n, float[] tile) {
    FloatVector s0a = Lanes.zero();
    FloatVector s0b = Lanes.zero();
    FloatVector s1a = Lanes.zero();
    FloatVector s1b = Lanes.zero();
    FloatVector s2a = Lanes.zero();
    FloatVector s2b = Lanes.zero();
    FloatVector s3a = Lanes.zero();
    FloatVector s3b = Lanes.zero();
    FloatVector s4a = Lanes.zero();
    FloatVector s4b = Lanes.zero();
    FloatVector s5a = Lanes.zero();
    FloatVector s5b = Lanes.zero();
    FloatVector s6a = Lanes.zero();
    FloatVector s6b = Lanes.zero();
    FloatVector s7a = Lanes.zero();
    FloatVector s7b = Lanes.zero();
    FloatVector s8a = Lanes.zero();
    FloatVector s8b = Lanes.zero();
    FloatVector s9a = Lanes.zero();
    FloatVector s9b = Lanes.zero();
    FloatVector s10a = Lanes.zero();
    FloatVector s10b = Lanes.zero();
    FloatVector s11a = Lanes.zero();
    FloatVector s11b = Lanes.zero();
    for (int k = 0; k < n; k++) {
      FloatVector a = FloatVector.fromArray(Lanes.F32, x, at + k * VectorGemm.PANEL);
      FloatVector b = FloatVector.fromArray(Lanes.F32, x, at + k * VectorGemm.PANEL + Lanes.COUNT);
      int i = from + k * AttentionTile.ROWS;
      FloatVector v = Lanes.all(w[i]);
      s0a = v.fma(a, s0a);
      s0b = v.fma(b, s0b);
      v = Lanes.all(w[i + 1]);
      s1a = v.fma(a, s1a);
      s1b = v.fma(b, s1b);
      v = Lanes.all(w[i + 2]);
      s2a = v.fma(a, s2a);
      s2b = v.fma(b, s2b);
      v = Lanes.all(w[i + 3]);
      s3a = v.fma(a, s3a);
      s3b = v.fma(b, s3b);
      v = Lanes.all(w[i + 4]);
      s4a = v.fma(a, s4a);
      s4b = v.fma(b, s4b);
      v = Lanes.all(w[i + 5]);
      s5a = v.fma(a, s5a);
      s5b = v.fma(b, s5b);
      v = Lanes.all(w[i + 6]);
      s6a = v.fma(a, s6a);
      s6b = v.fma(b, s6b);
      v = Lanes.all(w[i + 7]);
      s7a = v.fma(a, s7a);
      s7b = v.fma(b, s7b);
      v = Lanes.all(w[i + 8]);
      s8a = v.fma(a, s8a);
      s8b = v.fma(b, s8b);
      v = Lanes.all(w[i + 9]);
      s9a = v.fma(a, s9a);
      s9b = v.fma(b, s9b);
      v = Lanes.all(w[i + 10]);
      s10a = v.fma(a, s10a);
      s10b = v.fma(b, s10b);
      v = Lanes.all(w[i + 11]);
      s11a = v.fma(a, s11a);
      s11b = v.fma(b, s11b);
    }
    s0a.intoArray(tile, 0);
    s0b.intoArray(tile, Lanes.COUNT);
    s1a.intoArray(tile, 2 * Lanes.COUNT);
    s1b.intoArray(tile, 3 * Lanes.COUNT);
    s2a.intoArray(tile, 4 * Lanes.COUNT);
    s2b.intoArray(tile, 5 * Lanes.COUNT);
    s3a.intoArray(tile, 6 * Lanes.COUNT);
    s3b.intoArray(tile, 7 * Lanes.COUNT);
    s4a.intoArray(tile, 8 * Lanes.COUNT);
    s4b.intoArray(tile, 9 * Lanes.COUNT);
    s5a.intoArray(tile, 10 * Lanes.COUNT);
    s5b.intoArray(tile, 11 * Lanes.COUNT);
    s6a.intoArray(tile, 12 * Lanes.COUNT);
    s6b.intoArray(tile, 13 * Lanes.COUNT);
    s7a.intoArray(tile, 14 * Lanes.COUNT);
    s7b.intoArray(tile, 15 * Lanes.COUNT);
    s8a.intoArray(tile, 16 * Lanes.COUNT);
    s8b.intoArray(tile, 17 * Lanes.COUNT);
    s9a.intoArray(tile, 18 * Lanes.COUNT);
    s9b.intoArray(tile, 19 * Lanes.COUNT);
    s10a.intoArray(tile, 20 * Lanes.COUNT);
    s10b.intoArray(tile, 21 * Lanes.COUNT);
    s11a.intoArray(tile, 22 * Lanes.COUNT);
    s11b.intoArray(tile, 23 * Lanes.COUNT);
  }

  /**
   * {@link WeightDots#eight} with three rows of weights in an array, one behind the other.
   */
  static void eight(float[] w, float[] x, int from, int n, float[] tile) {
    FloatVector a0 = Lanes.zero();
    FloatVector b0 = Lanes.zero();
    FloatVector c0 = Lanes.zero();
    FloatVector a1 = Lanes.zero();
    FloatVector b1 = Lanes.zero();
    FloatVector c1 = Lanes.zero();
    FloatVector a2 = Lanes.zero();
    FloatVector b2 = Lanes.zero();
    FloatVector c2 = Lanes.zero();
    FloatVector a3 = Lanes.zero();
    FloatVector b3 = Lanes.zero();
    FloatVector c3 = Lanes.zero();
    FloatVector a4 = Lanes.zero();
    FloatVector b4 = Lanes.zero();
    FloatVector c4 = Lanes.zero();
    FloatVector a5 = Lanes.zero();
    FloatVector b5 = Lanes.zero();
    FloatVector c5 = Lanes.zero();
    FloatVector a6 = Lanes.zero();
    FloatVector b6 = Lanes.zero();
    FloatVector c6 = Lanes.zero();
    FloatVector a7 = Lanes.zero();
    FloatVector b7 = Lanes.zero();
    FloatVector c7 = Lanes.zero();
    for (int k = 0; k < n; k += Lanes.COUNT) {
      FloatVector a = FloatVector.fromArray(Lanes.F32, w, k);
      FloatVector b = FloatVector.fromArray(Lanes.F32, w, n + k);
      FloatVector c = FloatVector.fromArray(Lanes.F32, w, 2 * n + k);
      int i = from + 8 * k;
      FloatVector v = FloatVector.fromArray(Lanes.F32, x, i);
      a0 = v.fma(a, a0);
      b0 = v.fma(b, b0);
      c0 = v.fma(c, c0);
      v = FloatVector.fromArray(Lanes.F32, x, i + Lanes.COUNT);
      a1 = v.fma(a, a1);
      b1 = v.fma(b, b1);
      c1 = v.fma(c, c1);
      v = FloatVector.fromArray(Lanes.F32, x, i + 2 * Lanes.COUNT);
      a2 = v.fma(a, a2);
      b2 = v.fma(b, b2);
      c2 = v.fma(c, c2);
      v = FloatVector.fromArray(Lanes.F32, x, i + 3 * Lanes.COUNT);
      a3 = v.fma(a, a3);
      b3 = v.fma(b, b3);
      c3 = v.fma(c, c3);
      v = FloatVector.fromArray(Lanes.F32, x, i + 4 * Lanes.COUNT);
      a4 = v.fma(a, a4);
      b4 = v.fma(b, b4);
      c4 = v.fma(c, c4);
      v = FloatVector.fromArray(Lanes.F32, x, i + 5 * Lanes.COUNT);
      a5 = v.fma(a, a5);
      b5 = v.fma(b, b5);
      c5 = v.fma(c, c5);
      v = FloatVector.fromArray(Lanes.F32, x, i + 6 * Lanes.COUNT);
      a6 = v.fma(a, a6);
      b6 = v.fma(b, b6);
      c6 = v.fma(c, c6);
      v = FloatVector.fromArray(Lanes.F32, x, i + 7 * Lanes.COUNT);
      a7 = v.fma(a, a7);
      b7 = v.fma(b, b7);
      c7 = v.fma(c, c7);
    }
    a0.intoArray(tile, 0);
    b0.intoArray(tile, Lanes.COUNT);
    c0.intoArray(tile, 2 * Lanes.COUNT);
    a1.intoArray(tile, 3 * Lanes.COUNT);
    b1.intoArray(tile, 4 * Lanes.COUNT);
    c1.intoArray(tile, 5 * Lanes.COUNT);
    a2.intoArray(tile, 6 * Lanes.COUNT);
    b2.intoArray(tile, 7 * Lanes.COUNT);
    c2.intoArray(tile, 8 * Lanes.COUNT);
    a3.intoArray(tile, 9 * Lanes.COUNT);
    b3.intoArray(tile, 10 * Lanes.COUNT);
    c3.intoArray(tile, 11 * Lanes.COUNT);
    a4.intoArray(tile, 12 * Lanes.COUNT);
    b4.intoArray(tile, 13 * Lanes.COUNT);
    c4.intoArray(tile, 14 * Lanes.COUNT);
    a5.intoArray(tile, 15 * Lanes.COUNT);
    b5.intoArray(tile, 16 * Lanes.COUNT);
    c5.intoArray(tile, 17 * Lanes.COUNT);
    a6.intoArray(tile, 18 * Lanes.COUNT);
    b6.intoArray(tile, 19 * Lanes.COUNT);
    c6.intoArray(tile, 20 * Lanes.COUNT);
    a7.intoArray(tile, 21 * Lanes.COUNT);
    b7.intoArray(tile, 22 * Lanes.COUNT);
    c7.intoArray(tile, 23 * Lanes.COUNT);
  }
}
