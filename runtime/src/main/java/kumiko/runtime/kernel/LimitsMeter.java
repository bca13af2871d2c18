package kumiko.runtime.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.concurrent.atomic.LongAdder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.LazyMemory;
import kumiko.runtime.machine.MachineCode;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.PanelProduct;
import kumiko.runtime.machine.StoredProduct;
import kumiko.runtime.run.Team;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Elements;

/**
 * Measures {@link MachineLimits} a round at a time, so that other measurements can take turns with it: what a machine reads that is
 * shared with others may double within minutes. Takes {@link #BYTES} of native memory until it is closed.
 */
public final class LimitsMeter implements AutoCloseable {
  /** Native memory that is taken, far more than caches hold. */
  public static final long BYTES = 1L << 29;

  private static final int PARTS = 64;

  /** Columns of a row when machine code reads the memory as a weight. */
  private static final int COLUMNS = 4096;

  private static final int ROWS = Math.toIntExact(BYTES / PARTS / (Float.BYTES * COLUMNS));
  private static final int STEPS = 100_000;
  private static final int SUMS = 10;

  /** Rounds that do not count: the compiler of the JVM takes its time. */
  private static final double WARM_SECONDS = 0.15;

  private final Team team;
  private final Arena arena = Arena.ofShared();
  private final Team.Task reading;

  /** In one stream, with what comes asked for ahead; null where there are no instructions for it. */
  private final Team.Task readingAhead;

  private final Team.Task multiplying;

  /** Null where there are no instructions for it. */
  private final Team.Task multiplyingPairs;

  private final LongAdder pairFlops = new LongAdder();

  /** Warms up, which takes half a second. The team stays the caller's. */
  public LimitsMeter(Team team) {
    this.team = team;
    MemorySegment memory = LazyMemory.allocateHuge(arena, BYTES, "what is read to measure").fill((byte) 1);
    MemorySegment results = arena.allocate(8L * PARTS, 64);
    long from = memory.address();
    FloatProducts floats = MachineCode.ofProcess().floats().orNull();
    readingAhead = floats == null ? null : readingAhead(floats.stored(), from);
    reading = (part, worker) -> read(from + part * (BYTES / PARTS), BYTES / PARTS, results.address() + 4L * part);
    multiplying = (part, worker) -> multiply(results.address() + 4L * part);
    MemorySegment operands = operands();
    PairProducts pairs = MachineCode.ofProcess().pairs().orNull();
    multiplyingPairs = pairs == null
        ? null
        : (part, worker) -> pairFlops.add(pairs.product().multiplyRegisters(operands.address(), STEPS / 2));
    warm(reading);
    warm(multiplying);
  }

  private Team.Task readingAhead(StoredProduct product, long from) {
    MemorySegment row = arena.allocate(ValueLayout.JAVA_FLOAT, COLUMNS);
    MemorySegment sums = arena.allocate(ValueLayout.JAVA_FLOAT, (long) PARTS * ROWS);
    int stride = Float.BYTES * COLUMNS;
    return (part, worker) -> product.dots(DType.F32, from + part * (BYTES / PARTS), stride, ROWS, row.address(), COLUMNS,
        sums.address() + (long) Float.BYTES * ROWS * part);
  }

  /** bf16 between -1 and 1. */
  private MemorySegment operands() {
    MemorySegment operands = arena.allocate(PanelProduct.OPERAND_BYTES, 64);
    Random random = new Random(1);
    for (long i = 0; i < operands.byteSize() / Short.BYTES; i++) {
      Elements.set(DType.BF16, operands, i, 2 * random.nextDouble() - 1);
    }
    return operands;
  }

  private void warm(Team.Task task) {
    for (double spent = 0; spent < WARM_SECONDS;) {
      spent += seconds(task);
    }
  }

  /** Each limit once, in some hundredths of a second. */
  public MachineLimits round() {
    double read = readingAhead == null ? seconds(reading) : Math.min(seconds(reading), seconds(readingAhead));
    return new MachineLimits(BYTES / read, 2.0 * SUMS * Lanes.COUNT * STEPS * PARTS / seconds(multiplying), pairs());
  }

  private OptionalDouble pairs() {
    if (multiplyingPairs == null) {
      return OptionalDouble.empty();
    }
    pairFlops.reset();
    double seconds = seconds(multiplyingPairs);
    return OptionalDouble.of(pairFlops.sum() / seconds);
  }

  private double seconds(Team.Task task) {
    long start = System.nanoTime();
    team.run(PARTS, task);
    return (System.nanoTime() - start) / 1e9;
  }

  @Override
  public void close() {
    arena.close();
  }

  /** Four streams, each in order: a core that follows one stream and asks for nothing ahead waits for memory a quarter of the time. */
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
