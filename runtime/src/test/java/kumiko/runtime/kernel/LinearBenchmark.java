package kumiko.runtime.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Elements;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.RowEncoder;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Shape;
import kumiko.runtime.tensor.Tensor;
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

/** One thread times a weight {@code [65536, 2048]}, which no cache holds: few rows show the bandwidth, many the arithmetic. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = {"--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"})
public class LinearBenchmark {
  private static final int IN = 2048;
  private static final int OUT = 65_536;

  @Param({"F32", "BF16", "F16", "Q8_0", "Q4_0"})
  public DType type;

  @Param({"1", "8", "512"})
  public int rows;

  private final Kernels kernels = new VectorKernels();
  private final Arena arena = Arena.ofAuto();
  private Matrix weight;
  private Rows x;
  private Rows y;
  private MemorySegment scratch;

  @Setup
  public void fill() {
    Random random = new Random(1);
    weight = type.isQuantised() ? quantised(random) : plain(random);
    x = new Rows(arena.allocate(4L * rows * IN, 64), IN);
    for (long i = 0; i < (long) rows * IN; i++) {
      Elements.set(DType.F32, x.data(), i, random.nextGaussian());
    }
    y = new Rows(arena.allocate(4L * rows * OUT, 64), OUT);
    scratch = arena.allocate(Math.max(1, kernels.linearScratchBytes(weight, rows)), 64);
  }

  private Matrix quantised(Random random) {
    MemorySegment data = arena.allocate(RowEncoder.bytes(type, OUT, IN), 64);
    float[] row = new float[IN];
    for (int c = 0; c < IN; c++) {
      row[c] = (float) random.nextGaussian();
    }
    for (int r = 0; r < OUT; r++) {
      RowEncoder.encode(type, row, data, r);
    }
    return RowEncoder.matrix(type, OUT, IN, data);
  }

  private Matrix plain(Random random) {
    MemorySegment data = arena.allocate(type.bytes((long) IN * OUT), 64);
    long row = type.bytes(IN);
    for (long i = 0; i < IN; i++) {
      Elements.set(type, data, i, random.nextGaussian());
    }
    for (long r = 1; r < OUT; r++) {
      MemorySegment.copy(data, 0, data, r * row, row);
    }
    return Matrix.of(new Tensor(type, Shape.of(OUT, IN), data));
  }

  @Benchmark
  public Rows linear() {
    kernels.linear(weight, null, x, y, rows, 0, OUT, false, null, scratch);
    return y;
  }
}
