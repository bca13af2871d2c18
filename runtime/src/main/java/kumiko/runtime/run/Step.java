package kumiko.runtime.run;

/** One piece of work of a program, bound to its memory, in parts that threads take as they come. */
interface Step {
  /**
   * Does parts {@code [from, to)} of {@code parts}; all parts together are the whole. Allocates nothing.
   *
   * @param worker the thread that does it, for its scratch memory
   */
  void run(Call call, int from, int to, int parts, int worker);

  /** About how many multiplications and additions the whole is, to decide whether waking other threads is worth it. */
  long work(Call call);

  /** Start of part {@code part} when {@code total} is cut into {@code parts} parts of whole {@code align}. */
  static int cut(int total, int align, int part, int parts) {
    int units = Math.ceilDiv(total, align);
    return (int) Math.min(total, (long) units * part / parts * align);
  }
}
