package kumiko.runtime.run;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed set of threads that share the parts of one task at a time; the thread that calls {@link #run} is one of them. Between tasks
 * that follow closely the others spin, so that a step starts in well under a microsecond; when nothing comes they yield, then sleep.
 * Running a task allocates nothing.
 *
 * <p>Which thread takes which part is open, so a part's result must depend on the part alone.
 */
public final class Team implements AutoCloseable {
  /** Rounds of waiting with the core held, about 20 microseconds. */
  private static final int SPINS = 1_000;

  /** Rounds of waiting with the core offered to others, then sleep. */
  private static final int YIELDS = 200;

  /** Work in parts that do not depend on one another. */
  @FunctionalInterface
  public interface Task {
    /**
     * @param part which part, from 0
     * @param worker which thread of the team does it, from 0: for scratch memory of its own
     */
    void run(int part, int worker);
  }

  private final Worker[] workers;

  /**
   * Run number in the upper half, parts not yet taken in the lower: one compare-and-set takes a part of exactly one run, so {@link
   * #task} and {@link #parts} are that run's until the part is done.
   */
  private final AtomicLong ticket = new AtomicLong();

  private final AtomicInteger unfinished = new AtomicInteger();
  private volatile Task task;
  private volatile int parts;
  private volatile Throwable failure;
  private volatile boolean closed;
  private volatile Thread caller;

  /**
   * @param threads members of the team, the caller included
   * @throws IllegalArgumentException if there are none
   */
  public Team(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("a team needs at least one thread, not " + threads);
    }
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
   * Does parts {@code 0 .. count} of the task and returns when all are done. What a part throws is thrown here, and parts not yet begun
   * are left out. One run at a time; a second caller waits.
   *
   * @throws IllegalStateException if the team is closed, or a part itself calls this
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
    for (int part = 0; part < count; part++) {
      work.run(part, 0);
    }
  }

  private void together(int count, Task work) {
    task = work;
    parts = count;
    failure = null;
    unfinished.set(count);
    long run = ((ticket.get() >>> 32) + 1) & 0xffff_ffffL;
    ticket.set((run << 32) | count);
    for (Worker worker : workers) {
      if (worker.asleep) {
        LockSupport.unpark(worker);
      }
    }
    takeParts(run, 0);
    for (int round = 0; unfinished.get() != 0; round++) {
      pause(round);
    }
    task = null;
    rethrow(failure);
  }

  private void takeParts(long run, int worker) {
    while (true) {
      long seen = ticket.get();
      int untaken = (int) seen;
      if (seen >>> 32 != run || untaken == 0) {
        return;
      }
      if (ticket.compareAndSet(seen, seen - 1)) {
        runPart(parts - untaken, worker);
      }
    }
  }

  private void runPart(int part, int worker) {
    try {
      if (failure == null) {
        task.run(part, worker);
      }
    } catch (Throwable thrown) {
      failure = thrown;
    } finally {
      unfinished.getAndDecrement();
    }
  }

  private static void rethrow(Throwable thrown) {
    switch (thrown) {
      case null -> {
      }
      case RuntimeException exception -> throw exception;
      case Error error -> throw error;
      default -> throw new IllegalStateException(thrown);
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
      long done = 0;
      while (!closed) {
        done = awaitRun(done);
        takeParts(done, number);
      }
    }

    /** The number of a run after {@code last}, or {@code last} when the team closes. */
    private long awaitRun(long last) {
      for (int round = 0; !closed; round++) {
        long run = ticket.get() >>> 32;
        if (run != last) {
          return run;
        }
        if (round < SPINS + YIELDS) {
          pause(round);
        } else {
          sleepAfter(last);
        }
      }
      return last;
    }

    private void sleepAfter(long last) {
      asleep = true;
      // The flag is up before the last look: whoever starts a run after the look sees the flag and wakes us.
      if (ticket.get() >>> 32 == last && !closed) {
        LockSupport.park(this);
      }
      asleep = false;
    }
  }
}
