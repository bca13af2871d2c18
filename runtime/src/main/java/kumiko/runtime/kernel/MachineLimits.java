package kumiko.runtime.kernel;

import java.util.List;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import kumiko.runtime.run.Team;

/**
 * What this machine can do at most with a team of threads: the bounds that speeds are a share of.
 *
 * @param readBytesPerSecond bytes read from memory of ordinary pages, as a mapped file has them, each once
 * @param f32FlopsPerSecond float32 operations of fused multiply-adds in registers, two for each lane
 * @param bf16FlopsPerSecond the same of the instructions that {@link Arithmetic#BFLOAT16} is computed by, two for each product; empty
 *     where there are none
 */
public record MachineLimits(double readBytesPerSecond, double f32FlopsPerSecond, OptionalDouble bf16FlopsPerSecond) {
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

  /** The least time for {@code flops} in float32 and {@code bf16Flops} in bf16, which without instructions of its own is float32 too. */
  public double seconds(double flops, double bf16Flops) {
    return flops / f32FlopsPerSecond + bf16Flops / bf16FlopsPerSecond.orElse(f32FlopsPerSecond);
  }

  /** Of each limit the one in the middle. */
  public static MachineLimits median(List<MachineLimits> rounds) {
    boolean pairs = rounds.getFirst().bf16FlopsPerSecond.isPresent();
    return new MachineLimits(
        middle(rounds, MachineLimits::readBytesPerSecond),
        middle(rounds, MachineLimits::f32FlopsPerSecond),
        pairs ? OptionalDouble.of(middle(rounds, limits -> limits.bf16FlopsPerSecond.getAsDouble())) : OptionalDouble.empty());
  }

  private static double middle(List<MachineLimits> rounds, ToDoubleFunction<MachineLimits> limit) {
    double[] sorted = rounds.stream().mapToDouble(limit).sorted().toArray();
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }
}
