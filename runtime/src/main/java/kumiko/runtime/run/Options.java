package kumiko.runtime.run;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import kumiko.runtime.graph.NamePattern;
import kumiko.runtime.graph.Pass;
import kumiko.runtime.kernel.Arithmetic;
import kumiko.runtime.kernel.Kernels;

/**
 * How a program runs. None of these changes a result beyond rounding, except kernels with {@link Arithmetic#BFLOAT16}.
 *
 * @param kernels who does the arithmetic, and whether in float32 or float64
 * @param threads threads that share the work, the calling one included
 * @param passes rewrites of the graph
 * @param chunkRows the most rows computed at once; longer prompts are cut
 * @param captured nodes whose values a session hands out; they are never fused away
 * @param replaced nodes whose values a session lets the caller change; they are never fused away
 */
public record Options(
    Kernels kernels, int threads, Set<Pass> passes, int chunkRows, List<NamePattern> captured, List<NamePattern> replaced) {
  /** Rows that keep the arithmetic of a weight busy while it passes through the caches. */
  private static final int CHUNK_ROWS = 512;

  public Options {
    passes = Set.copyOf(passes);
    captured = List.copyOf(captured);
    replaced = List.copyOf(replaced);
    if (threads < 1) {
      throw new IllegalArgumentException("a program needs at least 1 thread, not " + threads);
    }
    if (chunkRows < 1) {
      throw new IllegalArgumentException("a program computes at least 1 row at once, not " + chunkRows);
    }
  }

  /** All passes, all processors, nothing captured. */
  public static Options of(Kernels kernels) {
    int processors = Runtime.getRuntime().availableProcessors();
    return new Options(kernels, processors, EnumSet.allOf(Pass.class), CHUNK_ROWS, List.of(), List.of());
  }

  public Options withKernels(Kernels other) {
    return new Options(other, threads, passes, chunkRows, captured, replaced);
  }

  /** In which numbers linear layers and attention multiply: the one choice that changes results beyond rounding of sums. */
  public Options withArithmetic(Arithmetic arithmetic) {
    return withKernels(kernels.with(arithmetic));
  }

  public Options withThreads(int count) {
    return new Options(kernels, count, passes, chunkRows, captured, replaced);
  }

  public Options withPasses(Set<Pass> chosen) {
    return new Options(kernels, threads, chosen, chunkRows, captured, replaced);
  }

  public Options withChunkRows(int rows) {
    return new Options(kernels, threads, passes, rows, captured, replaced);
  }

  /** The same with nothing captured and nothing replaced. */
  Options unobserved() {
    return new Options(kernels, threads, passes, chunkRows, List.of(), List.of());
  }

  /** Hand out the values of nodes by canonical name; {@code *} stands for any characters: {@code blocks.*.attention.probabilities}. */
  public Options capture(String... patterns) {
    return new Options(kernels, threads, passes, chunkRows, joined(captured, patterns), replaced);
  }

  /** Let the caller change the values of nodes by canonical name. */
  public Options replace(String... patterns) {
    return new Options(kernels, threads, passes, chunkRows, captured, joined(replaced, patterns));
  }

  private static List<NamePattern> joined(List<NamePattern> before, String[] patterns) {
    List<NamePattern> all = new java.util.ArrayList<>(before);
    for (String pattern : patterns) {
      all.add(new NamePattern(pattern));
    }
    return all;
  }
}
