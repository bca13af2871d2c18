package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.graph.Op;
import kumiko.runtime.graph.Source;
import kumiko.runtime.kernel.Kernels;
import kumiko.runtime.machine.LazyMemory;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;

/** The memory of one session: working buffers, caches, scratch of each thread. */
final class Workspace {
  /** Elements of a row, from whose multiples on other rows' lie too close in caches. */
  private static final int POWER = 256;

  /** Elements between such rows: a line of memory, or two. */
  private static final int APART = 16;

  final Call call;
  final Kernels kernels;

  final int threads;

  /** Parts of a shared step. */
  final int parts;

  /** Keys that a slot has room for, a tuned prefix included. */
  final int keyCapacity;

  final Scratch scratch;
  final Preparations preparations;
  private final PhaseMemory sums;
  final List<KeyValueCache> caches = new ArrayList<>();
  private final Map<Value, KeyValueCache> cacheOf = new HashMap<>();
  private final Map<Value.Buffer, MemorySegment> memory = new HashMap<>();
  private final int elementBytes;

  /** Whether somebody looks at values, who wants rows without gaps. */
  private final boolean isObserved;

  Workspace(Arena arena, Program program, Call call, int slots, int keyCapacity) {
    this.call = call;
    this.keyCapacity = keyCapacity;
    kernels = program.kernels();
    threads = program.team().size();
    parts = threads == 1 ? 1 : Phase.PARTS_PER_WORKER * threads;
    elementBytes = kernels.activations().blockBytes();
    isObserved = program.plan().values.stream().anyMatch(value -> value.kept);
    for (Value.Buffer buffer : program.plan().buffers) {
      long elements = (long) (buffer.width + (buffer.perKey || buffer.picked ? 0 : APART)) * call.maxRows
          * (buffer.perKey ? keyCapacity : 1);
      memory.put(buffer, LazyMemory.allocateHuge(arena, bytes(elements), "working memory"));
    }
    for (Value value : program.plan().values) {
      if (value.isCache() && value.node.op() instanceof Op.Append(int kvHeads, int headDim)) {
        KeyValueCache cache = new KeyValueCache(arena, value.node.name(), kernels.cacheType(), slots, kvHeads, keyCapacity, headDim);
        caches.add(cache);
        cacheOf.put(value, cache);
      }
    }
    preparations = new Preparations(arena, kernels, call.maxRows);
    sums = new PhaseMemory(arena, "sums of pieces");
    scratch = new Scratch(arena, threads, program.scratchBytes(call.maxRows, keyCapacity));
  }

  private long bytes(long elements) {
    return Math.multiplyExact(Math.max(1, elements), elementBytes);
  }

  KeyValueCache cache(Value value) {
    return cacheOf.get(value);
  }

  Collection<MemorySegment> memory() {
    return memory.values();
  }

  MemorySegment memory(Value value) {
    return memory.get(value.storage().buffer);
  }

  /** The rows of a value that has rows; ids and positions are rows of one i32. */
  Rows rows(Value value) {
    if (value.viewOf != null && value.node.op() instanceof Op.Slice(int from, int width)) {
      return rows(value.viewOf).columns(from, width);
    }
    if (value.isSource()) {
      return new Rows(source(value), value.width());
    }
    int stride = stride(value.width(), value.perKey() || value.picked);
    return new Rows(memory(value), 0, value.width(), stride);
  }

  /** Elements from one row to the next. Rows a power of two apart share few lines of the caches, and wait for one another there. */
  private int stride(int width, boolean close) {
    return close || isObserved || width % POWER != 0 ? width : width + APART;
  }

  /** Integers of a source, of all rows or of the picked ones. */
  MemorySegment integers(Value value) {
    return value.isSource() ? source(value) : memory(value);
  }

  private MemorySegment source(Value value) {
    return switch (((Op.Input) value.node.op()).source()) {
      case Source.Tokens() -> call.tokens;
      case Source.Position(int axis) -> call.positions[axis];
      case Source.Visible(var mask) -> call.visible.get(mask);
      case Source.Cache(int kvHeads, int headDim) -> throw new IllegalStateException(value.node.name() + " is read by its Append only");
    };
  }

  /** A value's rows cut for the parts of a step into whole {@code align} columns. */
  Parts parts(Value value, int align) {
    return new Parts(rows(value), align, parts);
  }

  /** How few rows meet a weight in phase {@code level}, where that is not by its outputs; otherwise null. */
  SplitK splitK(Matrix weight, Rows x, int level) {
    return SplitK.suits(kernels, weight) ? new SplitK(kernels, weight, x, sums.take(level, bytes(SplitK.elements(kernels, weight)))) : null;
  }

  Heads heads(Value value, int heads, int headDim) {
    return new Heads(rows(value), heads, headDim);
  }

  int elementBytes(Value value) {
    return value.isInteger() ? Integer.BYTES : elementBytes;
  }
}
