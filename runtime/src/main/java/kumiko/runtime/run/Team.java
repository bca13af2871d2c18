package kumiko.runtime.run;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed set of threads that share the parts of one task at a time; the thread that calls {@link #run} is one of them. Between tasks
 * that follow closely the others spin, so that a step starts in well under a microsecond; when nothing comes they yield, then sleep.
 * Running a task allocates nothing.
 *
 * <p>Each thread has a range of neighbouring parts and does them in order: what it asks memory for ahead at the end of a part is then what
 * its next part begins with. It takes half of what is left of them at a time, so that it seldom stops for taking, and a thread that is done
 * takes half of what is left of another's, from the end. So which thread does which parts together is open, and a part's result must depend
 * on the part alone.
 */
public final class Team implements AutoCloseable {
  /** Rounds of waiting with the core held, about 20 microseconds. */
  private static final int SPINS = 1_000;

  /** Rounds of waiting with the core offered to others, then sleep. */
  private static final int YIELDS = 200;

  private static final int PART_BITS = 22;
  private static final int PART_MASK = (1 << PART_BITS) - 1;
  private static final long RUN_MASK = -1L >>> (2 * PART_BITS);

  /** What stands for the number of a run when no more will come. */
  private static final long CLOSED = -1;

  /** Longs from one thread's range to the next: two lines, as processors fetch them in pairs. */
  private static final int APART = 16;

  /** Work in parts that do not depend on one another. */
  @FunctionalInterface
  public interface Task {
    /**
     * @param part which part, from 0
     * @param worker which thread of the team does it, from 0: for scratch memory of its own
     */
    void run(int part, int worker);

    /** Parts {@code [from, to)}, one after the other if nothing better is known. */
    default void run(int from, int to, int worker) {
      for (int part = from; part < to; part++) {
        run(part, worker);
      }
    }
  }

  private final Worker[] workers;

  /**
   * Number of the latest run, then of each thread the parts not yet taken: number of the run, first part, end. One compare-and-set takes
   * parts of exactly one run, so {@link #task} is that run's until they are done. Each has lines of memory to itself: who waits looks at the
   * number only, and disturbs nobody who writes.
   */
  private final AtomicLongArray ranges;

  private final AtomicInteger unfinished = new AtomicInteger();

  private volatile Task task;
  private volatile Throwable failure;
  private boolean closed;
  private volatile Thread caller;

  /**
   * @param threads members of the team, the caller included
   * @throws IllegalArgumentException if there are none
   */
  public Team(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("a team needs at least one thread, not " + threads);
    }
    ranges = new AtomicLongArray((threads + 1) * APART);
    workers = new Worker[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
      workers[i].setDaemon(true);
      workers[i].start();
    }
  }

  /** Members, the caller included. */
  public int size() {
    return workers.length + 1;
  }

  /**
   * Does parts {@code 0 .. count} of the task and returns when all are done. What a part throws is thrown here, and parts not yet taken
   * are left out. One run at a time; a second caller waits.
   *
   * @throws IllegalStateException if the team is closed, or a part itself calls this
   * @throws IllegalArgumentException if there are 2^22 parts or more
   */
  public void run(int count, Task work) {
    if (Thread.currentThread() == caller || (Thread.currentThread() instanceof Worker worker && worker.team() == this)) {
      throw new IllegalStateException("a part of a task cannot run another task on the same team");
    }
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("the team is closed");
      }
      caller = Thread.currentThread();
      try {
        if (workers.length == 0 || count <= 1) {
          alone(count, work);
        } else {
          together(count, work);
        }
      } finally {
        caller = null;
      }
    }
  }

  private static void alone(int count, Task work) {
    work.run(0, count, 0);
  }

  private void together(int count, Task work) {
    if (count > PART_MASK) {
      throw new IllegalArgumentException("a task of " + count + " parts; at most " + PART_MASK + " can be shared out");
    }
    task = work;
    failure = null;
    unfinished.set(count);
    long number = (ranges.get(0) + 1) & RUN_MASK;
    for (int thread = 0; thread < size(); thread++) {
      // Ordered by what follows: each line must be fetched from another core, and those fetches need not wait for one another.
      ranges.setOpaque(at(thread), range(number, share(count, thread), share(count, thread + 1)));
    }
    ranges.set(0, number);
    for (Worker worker : workers) {
      if (worker.asleep) {
        LockSupport.unpark(worker);
      }
    }
    takeParts(number, 0);
    for (int round = 0; unfinished.get() != 0; round++) {
      pause(round);
    }
    task = null;
    rethrow(failure);
  }

  /** Where the parts of a thread begin. */
  private int share(int count, int thread) {
    return (int) ((long) count * thread / size());
  }

  private static int at(int thread) {
    return (thread + 1) * APART;
  }

  private static long range(long run, int first, int end) {
    return run << (2 * PART_BITS) | (long) first << PART_BITS | end;
  }

  /** A thread's own parts from the first on, then those of the others from the end. */
  private void takeParts(long number, int worker) {
    takeParts(number, worker, worker);
    for (int other = 1; other < size(); other++) {
      takeParts(number, (worker + other) % size(), worker);
    }
  }

  private void takeParts(long number, int owner, int worker) {
    int done = 0;
    while (true) {
      long seen = ranges.get(at(owner));
      int first = (int) (seen >>> PART_BITS) & PART_MASK;
      int end = (int) seen & PART_MASK;
      if (seen >>> (2 * PART_BITS) != number || first == end) {
        break;
      }
      boolean own = owner == worker;
      int cut = own ? first + Math.ceilDiv(end - first, 2) : first + (end - first) / 2;
      if (ranges.compareAndSet(at(owner), seen, own ? range(number, cut, end) : range(number, first, cut))) {
        runParts(own ? first : cut, own ? cut : end, worker);
        done += own ? cut - first : end - cut;
      }
    }
    if (done > 0) {
      unfinished.getAndAdd(-done);
    }
  }

  private void runParts(int from, int to, int worker) {
    try {
      if (failure == null) {
        task.run(from, to, worker);
      }
    } catch (Throwable thrown) {
      failure = thrown;
    }
  }

  private static void rethrow(Throwable thrown) {
    if (thrown instanceof RuntimeException exception) {
      throw exception;
    }
    if (thrown instanceof Error error) {
      throw error;
    }
    if (thrown != null) {
      throw new IllegalStateException(thrown);
    }
  }

  @SuppressWarnings("ThreadPriorityCheck") // Yielding only lets others have the core; nothing depends on who takes it.
  private static void pause(int round) {
    if (round < SPINS) {
      Thread.onSpinWait();
    } else {
      Thread.yield();
    }
  }

  /** Ends the threads; a run in progress is finished first. */
  @Override
  public synchronized void close() {
    closed = true;
    ranges.set(0, CLOSED);
    for (Worker worker : workers) {
      LockSupport.unpark(worker);
    }
  }

  private final class Worker extends Thread {
    private final int number;
    private volatile boolean asleep;

    Worker(int number) {
      super("kumiko-worker-" + number);
      this.number = number;
    }

    Team team() {
      return Team.this;
    }

    @Override
    public void run() {
      for (long number = awaitRun(0); number != CLOSED; number = awaitRun(number)) {
        takeParts(number, this.number);
      }
    }

    /** The number of a run after {@code last}, or {@link #CLOSED}. */
    private long awaitRun(long last) {
      for (int round = 0;; round++) {
        long latest = ranges.get(0);
        if (latest != last) {
          return latest;
        }
        if (round < SPINS + YIELDS) {
          pause(round);
        } else {
          sleepAfter(last);
        }
      }
    }

    private void sleepAfter(long last) {
      asleep = true;
      // The flag is up before the last look: whoever starts a run after the look sees the flag and wakes us.
      if (ranges.get(0) == last) {
        LockSupport.park(this);
      }
      asleep = false;
    }
  }
}
