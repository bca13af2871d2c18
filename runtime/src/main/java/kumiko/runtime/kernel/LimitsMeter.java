package kumiko.runtime.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
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
  /** Native memory that is taken: more than caches hold, of which the largest seen have 480 MB and give no more than memory. */
  public static final long BYTES = 1L << 29;

  /** Parts of what is read, for teams that are not too large for so few: each begins with a wait. */
  private static final int READ_PARTS = 64;

  private static final int READ_PARTS_PER_THREAD = 4;

  /** Parts of what is multiplied, together some milliseconds: what takes less measures how threads meet. */
  private static final int MULTIPLIED_PARTS_PER_THREAD = 32;

  private static final int LINE = 64;

  /** Columns of a row when machine code reads the memory as a weight. */
  private static final int COLUMNS = 4096;

  /** Rows in a call. */
  private static final int ROWS = 512;

  private static final int STEPS = 100_000;
  private static final int SUMS = 10;

  /** Rounds that do not count: the compiler of the JVM takes its time. */
  private static final double WARM_SECONDS = 0.15;

  private final Team team;
  private final Arena arena = Arena.ofShared();
  private final List<MemorySegment> memory;
  private final int readParts;
  private final int multipliedParts;
  private final Reader streams;

  /** In one stream, with what comes asked for ahead; null where there are no instructions for it. */
  private final Reader ahead;

  private final Team.Task multiplying;

  /** Null where there are no instructions for it. */
  private final Team.Task multiplyingPairs;

  private final LongAdder pairFlops = new LongAdder();

  /** Loads all bytes, but for a few at the end. */
  @FunctionalInterface
  private interface Reader {
    /** @param worker which thread of the team this is, which has room for results of its own */
    void read(long address, long bytes, int worker);
  }

  /** Warms up, which takes half a second. The team stays the caller's. */
  public LimitsMeter(Team team) {
    this.team = team;
    readParts = Math.max(READ_PARTS, READ_PARTS_PER_THREAD * team.size());
    multipliedParts = MULTIPLIED_PARTS_PER_THREAD * team.size();
    memory = List.of(LazyMemory.allocateHuge(arena, BYTES, "what is read to measure").fill((byte) 1));
    MemorySegment results = arena.allocate((long) LINE * team.size(), LINE);
    FloatProducts floats = MachineCode.ofProcess().floats().orNull();
    ahead = floats == null ? null : ahead(floats.stored());
    streams = (address, bytes, worker) -> read(address, bytes, results.address() + (long) LINE * worker);
    multiplying = (part, worker) -> multiply(results.address() + (long) LINE * worker);
    MemorySegment operands = operands();
    PairProducts pairs = MachineCode.ofProcess().pairs().orNull();
    multiplyingPairs = pairs == null
        ? null
        : (part, worker) -> pairFlops.add(pairs.product().multiplyRegisters(operands.address(), STEPS / 2));
    warm(task(memory, streams), readParts);
    warm(multiplying, multipliedParts);
  }

  /** As rows of a weight, many in a call. */
  private Reader ahead(StoredProduct product) {
    long row = arena.allocate(ValueLayout.JAVA_FLOAT, COLUMNS).address();
    long sums = arena.allocate(ValueLayout.JAVA_FLOAT, (long) team.size() * ROWS).address();
    int stride = Float.BYTES * COLUMNS;
    return (address, bytes, worker) -> {
      long results = sums + (long) Float.BYTES * ROWS * worker;
      long rows = bytes / stride;
      for (long done = 0; done < rows; done += ROWS) {
        int some = Math.toIntExact(Math.min(ROWS, rows - done));
        product.dots(DType.F32, address + done * stride, stride, some, row, COLUMNS, results);
      }
      int rest = Math.toIntExact(bytes % stride) / Float.BYTES;
      if (rest > 0) {
        product.dots(DType.F32, address + rows * stride, stride, 1, row, rest, results);
      }
    };
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

  private void warm(Team.Task task, int parts) {
    for (double spent = 0; spent < WARM_SECONDS;) {
      spent += seconds(task, parts);
    }
  }

  /** Each limit once, in some hundredths of a second. */
  public MachineLimits round() {
    return new MachineLimits(bytesPerSecond(memory), flops(), pairs());
  }

  private double flops() {
    return 2.0 * SUMS * Lanes.COUNT * STEPS * multipliedParts / seconds(multiplying, multipliedParts);
  }

  /** Bytes a second that the team reads of what lies in these places, one behind the other, computing nothing of it. */
  public double bytesPerSecond(List<MemorySegment> places) {
    double read = seconds(task(places, streams), readParts);
    return bytes(places) / (ahead == null ? read : Math.min(read, seconds(task(places, ahead), readParts)));
  }

  private static long bytes(List<MemorySegment> places) {
    return places.stream().mapToLong(MemorySegment::byteSize).sum();
  }

  private Team.Task task(List<MemorySegment> places, Reader reader) {
    long all = bytes(places);
    return (part, worker) -> {
      long from = part * (all / readParts);
      long to = part == readParts - 1 ? all : from + all / readParts;
      for (MemorySegment place : places) {
        long first = Math.max(0, from);
        long end = Math.min(to, place.byteSize());
        if (first < end) {
          reader.read(place.address() + first, end - first, worker);
        }
        from -= place.byteSize();
        to -= place.byteSize();
      }
    };
  }

  private OptionalDouble pairs() {
    if (multiplyingPairs == null) {
      return OptionalDouble.empty();
    }
    pairFlops.reset();
    double seconds = seconds(multiplyingPairs, multipliedParts);
    return OptionalDouble.of(pairFlops.sum() / seconds);
  }

  private double seconds(Team.Task task, int parts) {
    long start = System.nanoTime();
    team.run(parts, task);
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
    Memory.set(result, a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD));
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
    Memory.set(result, sum.reduceLanes(VectorOperators.ADD));
  }
}
