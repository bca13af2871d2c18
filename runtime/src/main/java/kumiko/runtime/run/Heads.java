package kumiko.runtime.run;

import kumiko.runtime.tensor.Rows;

/** Rows cut into attention heads, made once so that no call has to. */
final class Heads {
  private final Rows[] heads;

  Heads(Rows whole, int count, int headDim) {
    heads = new Rows[count];
    for (int h = 0; h < count; h++) {
      heads[h] = whole.columns(h * headDim, headDim);
    }
  }

  Rows of(int head) {
    return heads[head];
  }
}
