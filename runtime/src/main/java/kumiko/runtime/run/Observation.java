package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;
import kumiko.runtime.run.AttentionSteps.ScoreRows;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Elements;
import kumiko.runtime.tensor.Shape;

/** A look at one value of the graph, right after it was computed and before anybody reads it. */
final class Observation {
  private final Value value;
  private final Workspace work;
  private final DType dtype;
  private final int prefix;
  private final boolean captured;
  private final boolean replaced;

  Observation(Value value, Workspace work, Program program) {
    this.value = value;
    this.work = work;
    dtype = program.activations();
    prefix = program.limits().prefix();
    captured = Program.matches(program.options().captured(), value.node);
    replaced = Program.matches(program.options().replaced(), value.node);
  }

  /** Whichever of the two is null does not look. */
  void deliver(Call call, Consumer<NodeValue> onCapture, Consumer<NodeValue> onReplace) {
    boolean replace = replaced && onReplace != null;
    boolean capture = captured && onCapture != null;
    for (int s = 0; s < call.sequences && (replace || capture); s++) {
      NodeValue seen = value.isCache() ? cache(call, s) : value.perKey() ? scores(call, s) : rows(call, s);
      if (replace) {
        onReplace.accept(seen);
      }
      if (capture) {
        onCapture.accept(new NodeValue(seen.node(), seen.slot(), seen.position(), seen.shape(), dtype, seen.data().asReadOnly()));
      }
    }
  }

  private NodeValue rows(Call call, int s) {
    long rowBytes = dtype.bytes(value.width());
    MemorySegment data = work.memory(value).asSlice(call.first[s] * rowBytes, call.count[s] * rowBytes);
    return seen(call, s, data, call.count[s], value.width());
  }

  private NodeValue scores(Call call, int s) {
    int heads = value.width();
    long start = new ScoreRows(work.memory(value), heads).start(call, s);
    long elements = (long) heads * call.count[s] * call.total(s);
    MemorySegment data = work.memory(value).asSlice(dtype.bytes(start), dtype.bytes(elements));
    return seen(call, s, data, heads, call.count[s], call.total(s));
  }

  private NodeValue cache(Call call, int s) {
    KeyValueCache cache = work.cache(value);
    int keys = call.total(s);
    long inHead = (long) keys * cache.headDim();
    MemorySegment copy = Arena.ofAuto().allocate(dtype.bytes(inHead * cache.kvHeads()), dtype.blockBytes());
    for (int h = 0; h < cache.kvHeads(); h++) {
      long from = cache.offset(call.slot[s], h);
      for (long i = 0; i < inHead; i++) {
        Elements.set(dtype, copy, h * inHead + i, Elements.get(cache.dtype(), cache.data(), from + i));
      }
    }
    return seen(call, s, copy, cache.kvHeads(), keys, cache.headDim());
  }

  private NodeValue seen(Call call, int s, MemorySegment data, long... dims) {
    return new NodeValue(value.node.name(), call.slot[s], call.past[s] - prefix, Shape.of(dims), dtype, data);
  }
}
