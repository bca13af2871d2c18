package kumiko.runtime.run;

import kumiko.runtime.tensor.Rows;

/** Rows, whole and cut into columns for each part of a step, made once so that no call has to. */
final class Parts {
  final Rows whole;
  private final Rows[] columns;
  private final int[] from;

  Parts(Rows whole, int align, int count) {
    this.whole = whole;
    columns = new Rows[count];
    from = new int[count + 1];
    for (int p = 0; p < count; p++) {
      from[p] = Step.cut(whole.width(), align, p, count);
      from[p + 1] = Step.cut(whole.width(), align, p + 1, count);
      columns[p] = whole.columns(from[p], from[p + 1] - from[p]);
    }
  }

  int count() {
    return columns.length;
  }

  /** The first column of a part; of part {@code count} it is the width. */
  int from(int part) {
    return from[part];
  }

  Rows columns(int part) {
    return columns[part];
  }
}
