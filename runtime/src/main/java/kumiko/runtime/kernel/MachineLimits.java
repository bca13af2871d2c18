package kumiko.runtime.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import kumiko.runtime.run.Team;

/**
 * What this machine can do at most with a team of threads: the bounds that speeds are a share of.
 *
 * @param readBytesPerSecond bytes read from memory of ordinary pages, as a mapped file has them, each once
 * @param f32FlopsPerSecond float32 operations of fused multiply-adds in registers, two for each lane
 */
public record MachineLimits(double readBytesPerSecond, double f32FlopsPerSecond) {
  /** Far more than the caches hold. */
  private static final long BYTES = 1L << 29;

  private static final int PARTS = 64;
  private static final int STEPS = 100_000;
  private static final int SUMS = 10;
  private static final int ROUNDS = 21;

  /** Rounds that do not count: the compiler of the JVM takes its time. */
  private static final double WARM_SECONDS = 0.15;

  /**
   * Measures for about a second; the median of {@value #ROUNDS} rounds, as speeds that are held against it are medians too: on a machine
   * that is shared with others a single round may be twice as fast as any long run. Takes 512 MiB of native memory meanwhile.
   */
  public static MachineLimits measure(Team team) {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(BYTES, 64).fill((byte) 1);
      MemorySegment results = arena.allocate(8L * PARTS, 64);
      double reads = median(team,
          (part, worker) -> read(memory.address() + part * (BYTES / PARTS), BYTES / PARTS, results.address() + 4L * part));
      double flops = median(team, (part, worker) -> multiply(results.address() + 4L * part));
      return new MachineLimits(BYTES / reads, 2.0 * SUMS * Lanes.COUNT * STEPS * PARTS / flops);
    }
  }

  /** Seconds of one round. */
  private static double median(Team team, Team.Task task) {
    long begin = System.nanoTime();
    while (seconds(begin) < WARM_SECONDS) {
      team.run(PARTS, task);
    }
    double[] rounds = new double[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
      long start = System.nanoTime();
      team.run(PARTS, task);
      rounds[round] = seconds(start);
    }
    Arrays.sort(rounds);
    return rounds[ROUNDS / 2];
  }

  private static double seconds(long since) {
    return (System.nanoTime() - since) / 1e9;
  }

  /**
   * Four streams, each in order: a core that follows one stream waits for memory a quarter of the time, and kernels that read several
   * rows of a weight at once do not.
   */
  static void read(long address, long bytes, long result) {
    FloatVector a = Lanes.zero();
    FloatVector b = Lanes.zero();
    FloatVector c = Lanes.zero();
    FloatVector d = Lanes.zero();
    long stream = bytes / 4;
    int count = Math.toIntExact(stream / (4L * Lanes.COUNT));
    for (int i = 0; i < count; i++) {
      long at = address + i * 4L * Lanes.COUNT;
      a = a.add(Lanes.load(at));
      b = b.add(Lanes.load(at + stream));
      c = c.add(Lanes.load(at + 2 * stream));
      d = d.add(Lanes.load(at + 3 * stream));
    }
    Lanes.set(result, a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD));
  }

  static void multiply(long result) {
    FloatVector x = Lanes.all(0.5f);
    FloatVector a = Lanes.all(1);
    FloatVector b = Lanes.all(2);
    FloatVector c = Lanes.all(3);
    FloatVector d = Lanes.all(4);
    FloatVector e = Lanes.all(5);
    FloatVector f = Lanes.all(6);
    FloatVector g = Lanes.all(7);
    FloatVector h = Lanes.all(8);
    FloatVector i = Lanes.all(9);
    FloatVector j = Lanes.all(10);
    for (int step = 0; step < STEPS; step++) {
      a = a.fma(x, x);
      b = b.fma(x, x);
      c = c.fma(x, x);
      d = d.fma(x, x);
      e = e.fma(x, x);
      f = f.fma(x, x);
      g = g.fma(x, x);
      h = h.fma(x, x);
      i = i.fma(x, x);
      j = j.fma(x, x);
    }
    FloatVector sum = a.add(b).add(c).add(d).add(e).add(f).add(g).add(h).add(i).add(j);
    Lanes.set(result, sum.reduceLanes(VectorOperators.ADD));
  }
}
