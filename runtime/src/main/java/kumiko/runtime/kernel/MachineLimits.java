package kumiko.runtime.kernel;

import java.util.List;
import java.util.function.ToDoubleFunction;
import kumiko.runtime.run.Team;

/**
 * What this machine can do at most with a team of threads: the bounds that speeds are a share of.
 *
 * @param readBytesPerSecond bytes read from memory of ordinary pages, as a mapped file has them, each once
 * @param f32FlopsPerSecond float32 operations of fused multiply-adds in registers, two for each lane
 */
public record MachineLimits(double readBytesPerSecond, double f32FlopsPerSecond) {
  private static final int ROUNDS = 21;

  /**
   * Measures for about a second; the median of {@value #ROUNDS} rounds, as speeds that are held against it are medians too: on a machine
   * that is shared with others a single round may be twice as fast as any long run. Takes the memory of a {@link LimitsMeter} meanwhile.
   */
  public static MachineLimits measure(Team team) {
    try (LimitsMeter meter = new LimitsMeter(team)) {
      MachineLimits[] rounds = new MachineLimits[ROUNDS];
      for (int round = 0; round < ROUNDS; round++) {
        rounds[round] = meter.round();
      }
      return median(List.of(rounds));
    }
  }

  /** Of each limit the one in the middle. */
  public static MachineLimits median(List<MachineLimits> rounds) {
    return new MachineLimits(
        middle(rounds, MachineLimits::readBytesPerSecond), middle(rounds, MachineLimits::f32FlopsPerSecond));
  }

  private static double middle(List<MachineLimits> rounds, ToDoubleFunction<MachineLimits> limit) {
    double[] sorted = rounds.stream().mapToDouble(limit).sorted().toArray();
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }
}
