package kumiko.runtime.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import kumiko.runtime.graph.Op;

/** Which values share a stretch of working memory: those that are never needed in the same phase, and element-wise work in place. */
final class BufferPlan {
  private final List<Value.Buffer> buffers = new ArrayList<>();
  private final Map<Integer, List<Value>> computedIn;

  private BufferPlan(List<Value> values) {
    computedIn = values.stream().filter(value -> value.viewOf == null).collect(Collectors.groupingBy(value -> value.level));
  }

  static List<Value.Buffer> assign(List<Value> values) {
    BufferPlan plan = new BufferPlan(values);
    for (Value value : values) {
      boolean stored = !value.isSource() && !value.isCache() && value.viewOf == null;
      if (stored) {
        Value reused = plan.inPlace(value);
        value.buffer = reused == null ? plan.free(value) : reused.buffer;
        value.buffer.busyUntil = value.lastUse;
      }
    }
    return plan.buffers;
  }

  /** The smallest buffer of as many rows that nobody needs any more and that is wide enough, or a new one. */
  private Value.Buffer free(Value value) {
    Value.Buffer found = buffers.stream()
        .filter(b -> b.busyUntil < value.level && b.perKey == value.perKey() && b.picked == value.picked && b.width >= value.width())
        .min((a, b) -> Integer.compare(a.width, b.width))
        .orElse(null);
    if (found == null) {
      found = new Value.Buffer(value.width(), value.perKey(), value.picked);
      buffers.add(found);
    }
    return found;
  }

  private Value inPlace(Value value) {
    if (value.gatheredFrom != null) {
      return null;
    }
    int candidates = switch (value.node.op()) {
      case Op.Activate op -> 1;
      case Op.Scale op -> 1;
      case Op.Rotate op -> 1;
      case Op.LinearAdd op -> 1;
      case Op.Add op -> 2;
      case Op.Multiply op -> 2;
      case Op.Gated op -> 2;
      default -> 0;
    };
    for (int i = 0; i < candidates; i++) {
      Value input = value.inputs.get(i);
      if (input.buffer != null && input.lastUse == value.level && onlyReader(input, value)) {
        return input;
      }
    }
    return null;
  }

  /** Whether nobody else reads the input, or columns of it, in the phase that overwrites it. */
  private boolean onlyReader(Value input, Value reader) {
    if (reader.inputs.stream().filter(other -> other.storage() == input).count() != 1) {
      return false;
    }
    return computedIn.get(reader.level).stream()
        .filter(other -> other != reader)
        .noneMatch(other -> other.inputs.stream().anyMatch(read -> read.storage() == input));
  }
}
