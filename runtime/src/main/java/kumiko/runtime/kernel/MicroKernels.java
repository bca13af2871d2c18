package kumiko.runtime.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * The innermost loops of the matrix product: a block of results in registers, one step of the inner dimension at a time.
 *
 * <p>{@code y[i, ...] = sum over k < n of x[at + k, i] * w[k, ...]}: {@code x} holds the block's rows side by side for each k, {@code w}
 * two vectors of columns for each k, {@code y} the rows of results one behind the other. Each method is written out, short, and on
 * arrays, whose accesses weigh less than those of memory segments: beyond its node budget the compiler would keep the sums as objects
 * instead of in registers, at a tenth of the speed.
 */
final class MicroKernels {
  private MicroKernels() {}

  /** Twelve rows by two vectors of columns. */
  static void twelve(float[] x, int at, float[] w, int n, float[] y) {
    FloatVector r0a = Lanes.zero();
    FloatVector r0b = Lanes.zero();
    FloatVector r1a = Lanes.zero();
    FloatVector r1b = Lanes.zero();
    FloatVector r2a = Lanes.zero();
    FloatVector r2b = Lanes.zero();
    FloatVector r3a = Lanes.zero();
    FloatVector r3b = Lanes.zero();
    FloatVector r4a = Lanes.zero();
    FloatVector r4b = Lanes.zero();
    FloatVector r5a = Lanes.zero();
    FloatVector r5b = Lanes.zero();
    FloatVector r6a = Lanes.zero();
    FloatVector r6b = Lanes.zero();
    FloatVector r7a = Lanes.zero();
    FloatVector r7b = Lanes.zero();
    FloatVector r8a = Lanes.zero();
    FloatVector r8b = Lanes.zero();
    FloatVector r9a = Lanes.zero();
    FloatVector r9b = Lanes.zero();
    FloatVector r10a = Lanes.zero();
    FloatVector r10b = Lanes.zero();
    FloatVector r11a = Lanes.zero();
    FloatVector r11b = Lanes.zero();
    for (int k = 0; k < n; k++) {
      FloatVector a = FloatVector.fromArray(Lanes.F32, w, k * VectorGemm.PANEL);
      FloatVector b = FloatVector.fromArray(Lanes.F32, w, k * VectorGemm.PANEL + Lanes.COUNT);
      int i = at + 12 * k;
      FloatVector v = Lanes.all(x[i]);
      r0a = v.fma(a, r0a);
      r0b = v.fma(b, r0b);
      v = Lanes.all(x[i + 1]);
      r1a = v.fma(a, r1a);
      r1b = v.fma(b, r1b);
      v = Lanes.all(x[i + 2]);
      r2a = v.fma(a, r2a);
      r2b = v.fma(b, r2b);
      v = Lanes.all(x[i + 3]);
      r3a = v.fma(a, r3a);
      r3b = v.fma(b, r3b);
      v = Lanes.all(x[i + 4]);
      r4a = v.fma(a, r4a);
      r4b = v.fma(b, r4b);
      v = Lanes.all(x[i + 5]);
      r5a = v.fma(a, r5a);
      r5b = v.fma(b, r5b);
      v = Lanes.all(x[i + 6]);
      r6a = v.fma(a, r6a);
      r6b = v.fma(b, r6b);
      v = Lanes.all(x[i + 7]);
      r7a = v.fma(a, r7a);
      r7b = v.fma(b, r7b);
      v = Lanes.all(x[i + 8]);
      r8a = v.fma(a, r8a);
      r8b = v.fma(b, r8b);
      v = Lanes.all(x[i + 9]);
      r9a = v.fma(a, r9a);
      r9b = v.fma(b, r9b);
      v = Lanes.all(x[i + 10]);
      r10a = v.fma(a, r10a);
      r10b = v.fma(b, r10b);
      v = Lanes.all(x[i + 11]);
      r11a = v.fma(a, r11a);
      r11b = v.fma(b, r11b);
    }
    r0a.intoArray(y, 0);
    r0b.intoArray(y, Lanes.COUNT);
    r1a.intoArray(y, 2 * Lanes.COUNT);
    r1b.intoArray(y, 3 * Lanes.COUNT);
    r2a.intoArray(y, 4 * Lanes.COUNT);
    r2b.intoArray(y, 5 * Lanes.COUNT);
    r3a.intoArray(y, 6 * Lanes.COUNT);
    r3b.intoArray(y, 7 * Lanes.COUNT);
    r4a.intoArray(y, 8 * Lanes.COUNT);
    r4b.intoArray(y, 9 * Lanes.COUNT);
    r5a.intoArray(y, 10 * Lanes.COUNT);
    r5b.intoArray(y, 11 * Lanes.COUNT);
    r6a.intoArray(y, 12 * Lanes.COUNT);
    r6b.intoArray(y, 13 * Lanes.COUNT);
    r7a.intoArray(y, 14 * Lanes.COUNT);
    r7b.intoArray(y, 15 * Lanes.COUNT);
    r8a.intoArray(y, 16 * Lanes.COUNT);
    r8b.intoArray(y, 17 * Lanes.COUNT);
    r9a.intoArray(y, 18 * Lanes.COUNT);
    r9b.intoArray(y, 19 * Lanes.COUNT);
    r10a.intoArray(y, 20 * Lanes.COUNT);
    r10b.intoArray(y, 21 * Lanes.COUNT);
    r11a.intoArray(y, 22 * Lanes.COUNT);
    r11b.intoArray(y, 23 * Lanes.COUNT);
  }

  /** Four rows by two vectors of columns. */
  static void four(float[] x, int at, float[] w, int n, float[] y) {
    FloatVector r0a = Lanes.zero();
    FloatVector r0b = Lanes.zero();
    FloatVector r1a = Lanes.zero();
    FloatVector r1b = Lanes.zero();
    FloatVector r2a = Lanes.zero();
    FloatVector r2b = Lanes.zero();
    FloatVector r3a = Lanes.zero();
    FloatVector r3b = Lanes.zero();
    for (int k = 0; k < n; k++) {
      FloatVector a = FloatVector.fromArray(Lanes.F32, w, k * VectorGemm.PANEL);
      FloatVector b = FloatVector.fromArray(Lanes.F32, w, k * VectorGemm.PANEL + Lanes.COUNT);
      int i = at + 4 * k;
      FloatVector v = Lanes.all(x[i]);
      r0a = v.fma(a, r0a);
      r0b = v.fma(b, r0b);
      v = Lanes.all(x[i + 1]);
      r1a = v.fma(a, r1a);
      r1b = v.fma(b, r1b);
      v = Lanes.all(x[i + 2]);
      r2a = v.fma(a, r2a);
      r2b = v.fma(b, r2b);
      v = Lanes.all(x[i + 3]);
      r3a = v.fma(a, r3a);
      r3b = v.fma(b, r3b);
    }
    r0a.intoArray(y, 0);
    r0b.intoArray(y, Lanes.COUNT);
    r1a.intoArray(y, 2 * Lanes.COUNT);
    r1b.intoArray(y, 3 * Lanes.COUNT);
    r2a.intoArray(y, 4 * Lanes.COUNT);
    r2b.intoArray(y, 5 * Lanes.COUNT);
    r3a.intoArray(y, 6 * Lanes.COUNT);
    r3b.intoArray(y, 7 * Lanes.COUNT);
  }

  /**
   * Four rows of activations with four rows of weights, both along the inner dimension: {@code n} is whole vectors, and the lane sums of
   * activation row i and weight row j are added to vector {@code 4 * i + j} of {@code sums}.
   */
  static void dots(float[] x, int from, int step, float[] w, int stride, int n, float[] sums) {
    FloatVector a00 = FloatVector.fromArray(Lanes.F32, sums, 0);
    FloatVector a01 = FloatVector.fromArray(Lanes.F32, sums, Lanes.COUNT);
    FloatVector a02 = FloatVector.fromArray(Lanes.F32, sums, 2 * Lanes.COUNT);
    FloatVector a03 = FloatVector.fromArray(Lanes.F32, sums, 3 * Lanes.COUNT);
    FloatVector a10 = FloatVector.fromArray(Lanes.F32, sums, 4 * Lanes.COUNT);
    FloatVector a11 = FloatVector.fromArray(Lanes.F32, sums, 5 * Lanes.COUNT);
    FloatVector a12 = FloatVector.fromArray(Lanes.F32, sums, 6 * Lanes.COUNT);
    FloatVector a13 = FloatVector.fromArray(Lanes.F32, sums, 7 * Lanes.COUNT);
    FloatVector a20 = FloatVector.fromArray(Lanes.F32, sums, 8 * Lanes.COUNT);
    FloatVector a21 = FloatVector.fromArray(Lanes.F32, sums, 9 * Lanes.COUNT);
    FloatVector a22 = FloatVector.fromArray(Lanes.F32, sums, 10 * Lanes.COUNT);
    FloatVector a23 = FloatVector.fromArray(Lanes.F32, sums, 11 * Lanes.COUNT);
    FloatVector a30 = FloatVector.fromArray(Lanes.F32, sums, 12 * Lanes.COUNT);
    FloatVector a31 = FloatVector.fromArray(Lanes.F32, sums, 13 * Lanes.COUNT);
    FloatVector a32 = FloatVector.fromArray(Lanes.F32, sums, 14 * Lanes.COUNT);
    FloatVector a33 = FloatVector.fromArray(Lanes.F32, sums, 15 * Lanes.COUNT);
    for (int k = 0; k < n; k += Lanes.COUNT) {
      FloatVector w0 = FloatVector.fromArray(Lanes.F32, w, k);
      FloatVector w1 = FloatVector.fromArray(Lanes.F32, w, stride + k);
      FloatVector w2 = FloatVector.fromArray(Lanes.F32, w, 2 * stride + k);
      FloatVector w3 = FloatVector.fromArray(Lanes.F32, w, 3 * stride + k);
      FloatVector v = FloatVector.fromArray(Lanes.F32, x, from + k);
      a00 = v.fma(w0, a00);
      a01 = v.fma(w1, a01);
      a02 = v.fma(w2, a02);
      a03 = v.fma(w3, a03);
      v = FloatVector.fromArray(Lanes.F32, x, from + step + k);
      a10 = v.fma(w0, a10);
      a11 = v.fma(w1, a11);
      a12 = v.fma(w2, a12);
      a13 = v.fma(w3, a13);
      v = FloatVector.fromArray(Lanes.F32, x, from + 2 * step + k);
      a20 = v.fma(w0, a20);
      a21 = v.fma(w1, a21);
      a22 = v.fma(w2, a22);
      a23 = v.fma(w3, a23);
      v = FloatVector.fromArray(Lanes.F32, x, from + 3 * step + k);
      a30 = v.fma(w0, a30);
      a31 = v.fma(w1, a31);
      a32 = v.fma(w2, a32);
      a33 = v.fma(w3, a33);
    }
    a00.intoArray(sums, 0);
    a01.intoArray(sums, Lanes.COUNT);
    a02.intoArray(sums, 2 * Lanes.COUNT);
    a03.intoArray(sums, 3 * Lanes.COUNT);
    a10.intoArray(sums, 4 * Lanes.COUNT);
    a11.intoArray(sums, 5 * Lanes.COUNT);
    a12.intoArray(sums, 6 * Lanes.COUNT);
    a13.intoArray(sums, 7 * Lanes.COUNT);
    a20.intoArray(sums, 8 * Lanes.COUNT);
    a21.intoArray(sums, 9 * Lanes.COUNT);
    a22.intoArray(sums, 10 * Lanes.COUNT);
    a23.intoArray(sums, 11 * Lanes.COUNT);
    a30.intoArray(sums, 12 * Lanes.COUNT);
    a31.intoArray(sums, 13 * Lanes.COUNT);
    a32.intoArray(sums, 14 * Lanes.COUNT);
    a33.intoArray(sums, 15 * Lanes.COUNT);
  }
}
