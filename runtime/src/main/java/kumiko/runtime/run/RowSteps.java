package kumiko.runtime.run;

import kumiko.runtime.tensor.Rows;

/** Work in which every row stands alone. */
final class RowSteps {
  private RowSteps() {}

  /** A kernel over whole rows. */
  @FunctionalInterface
  interface RowKernel {
    void apply(int from, int to);
  }

  /** A kernel whose columns stand alone too; {@code b} may be null. */
  @FunctionalInterface
  interface ElementKernel {
    void apply(Rows a, Rows b, Rows y, int from, int to);
  }

  /** Shared out by rows. */
  record ByRows(RowKernel kernel, boolean picked, long perRow) implements Step {
    @Override
    public void run(Call call, int from, int to, int parts, int worker) {
      int rows = call.rows(picked);
      int first = Step.cut(rows, 1, from, parts);
      int end = Step.cut(rows, 1, to, parts);
      if (first < end) {
        kernel.apply(first, end);
      }
    }

    @Override
    public long work(Call call) {
      return perRow * call.rows(picked);
    }
  }

  /**
   * Shared out by rows where there are many, by columns where there are few.
   *
   * @param b null, or cut like a, or whole when {@code bWhole}
   */
  record ByElements(ElementKernel kernel, Parts a, Parts b, boolean bWhole, Parts y, boolean picked, long perRow) implements Step {
    @Override
    public void run(Call call, int from, int to, int parts, int worker) {
      int rows = call.rows(picked);
      if (parts != y.count() || rows >= parts / 2) {
        int first = Step.cut(rows, 1, from, parts);
        int end = Step.cut(rows, 1, to, parts);
        if (first < end) {
          kernel.apply(a.whole, b == null ? null : b.whole, y.whole, first, end);
        }
        return;
      }
      for (int part = from; part < to; part++) {
        if (y.columns(part).width() > 0) {
          Rows second = b == null ? null : bWhole ? b.whole : b.columns(part);
          kernel.apply(a.columns(part), second, y.columns(part), 0, rows);
        }
      }
    }

    @Override
    public long work(Call call) {
      return perRow * call.rows(picked);
    }
  }
}
