package kumiko.runtime.run;

/** Steps that do not wait for one another; all threads meet before and after. */
final class Phase implements Team.Task {
  /** Below this many operations waking other threads costs more than it saves. */
  private static final long WORTH_SHARING = 40_000;

  /** Several parts of a step for each thread, so that a slow one delays little. */
  static final int PARTS_PER_WORKER = 64;

  private final Step[] steps;
  private final Call call;
  private final int parts;

  Phase(Step[] steps, Call call, int parts) {
    this.steps = steps;
    this.call = call;
    this.parts = parts;
  }

  void run(Team team) {
    if (parts > 1 && work() >= WORTH_SHARING) {
      team.run(parts * steps.length, this);
    } else {
      for (Step step : steps) {
        step.run(call, 0, 1, 1, 0);
      }
    }
  }

  private long work() {
    long work = 0;
    for (Step step : steps) {
      work += step.work(call);
    }
    return work;
  }

  @Override
  public void run(int index, int worker) {
    run(index, index + 1, worker);
  }

  /** Thread by thread, and for each its parts of every step: so each reads every weight from front to back. */
  @Override
  public void run(int from, int to, int worker) {
    int count;
    for (int index = from; index < to; index += count) {
      int ofThread = index / (PARTS_PER_WORKER * steps.length);
      int inThread = index % (PARTS_PER_WORKER * steps.length);
      int first = inThread % PARTS_PER_WORKER;
      count = Math.min(to - index, PARTS_PER_WORKER - first);
      int part = ofThread * PARTS_PER_WORKER + first;
      steps[inThread / PARTS_PER_WORKER].run(call, part, part + count, parts, worker);
    }
  }
}
