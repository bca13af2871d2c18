package kumiko.runtime.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Elements;
import kumiko.runtime.tensor.Rows;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** One thread, heads of 64 that share their keys, causal: a row behind 512 keys, and 512 rows, as many at once as the kernels want. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class AttentionBenchmark {
  private static final int HEAD = 64;
  private static final int KEYS = 512;

  @Param({"1", "512"})
  public int rows;

  @Param({"1", "4"})
  public int heads;

  @Param({"FLOAT32", "BFLOAT16"})
  public Arithmetic arithmetic;

  private final Arena arena = Arena.ofAuto();
  private final Random random = new Random(1);
  private Kernels kernels;
  private Rows query;
  private Rows out;
  private MemorySegment keys;
  private MemorySegment values;
  private MemorySegment visible;
  private MemorySegment scratch;

  @Setup
  public void fill() {
    kernels = new VectorKernels().with(arithmetic);
    query = new Rows(numbers(DType.F32, rows * heads * HEAD), heads * HEAD);
    out = new Rows(numbers(DType.F32, rows * heads * HEAD), heads * HEAD);
    keys = numbers(kernels.cacheType(), KEYS * HEAD);
    values = numbers(kernels.cacheType(), KEYS * HEAD);
    visible = arena.allocate(8L * rows, 64);
    for (int r = 0; r < rows; r++) {
      visible.set(ValueLayout.JAVA_INT, 8L * r + 4, KEYS - rows + r + 1);
    }
    scratch = arena.allocate(kernels.attentionScratchBytes(HEAD, KEYS), 64);
  }

  private MemorySegment numbers(DType type, int count) {
    MemorySegment data = arena.allocate(type.bytes(count), 64);
    for (int i = 0; i < count; i++) {
      Elements.set(type, data, i, random.nextGaussian());
    }
    return data;
  }

  @Benchmark
  public Rows attention() {
    int block = kernels.attentionRows(heads);
    for (int from = 0; from < rows; from += block) {
      int to = Math.min(rows, from + block);
      kernels.attention(query, keys, values, 0, HEAD, visible, KEYS, 0.125, 1, Double.NaN, out, rows, from, to, scratch);
    }
    return out;
  }
}
