package kumiko.runtime.run;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import kumiko.runtime.graph.Graph;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.graph.Type.Extent;

/**
 * The order of execution. Values that do not wait for one another share a phase (query, key and value; gate and up; the two paths of
 * a parallel residual), and all threads meet between phases only. What stands behind the last attention of the graph is computed for
 * the picked rows of a call only: usually the last position of each sequence.
 */
final class Plan {
  /** All values in execution order, sources first. */
  final List<Value> values;

  final Value output;
  final int levels;
  final List<Value.Buffer> buffers;

  private Plan(List<Value> values, Value output, List<Value.Buffer> buffers) {
    this.values = values;
    this.output = output;
    this.buffers = buffers;
    this.levels = values.stream().mapToInt(Value::ready).max().orElse(0);
  }

  static Plan of(Graph graph, Predicate<Node> kept) {
    List<Value> values = new Builder(graph, kept).values();
    Value output = values.stream().filter(v -> v.node.equals(graph.output()) && v.gatheredFrom == null).findFirst().orElseThrow();
    output.lastUse = Integer.MAX_VALUE;
    values.sort((a, b) -> Integer.compare(a.level, b.level));
    return new Plan(values, output, BufferPlan.assign(values));
  }

  private static final class Builder {
    private final Graph graph;
    private final Predicate<Node> kept;
    private final Set<Node> beforeAttention = new HashSet<>();
    private final Map<Node, Value> made = new HashMap<>();
    private final Map<Node, Value> gathered = new HashMap<>();
    private final List<Value> values = new ArrayList<>();

    Builder(Graph graph, Predicate<Node> kept) {
      this.graph = graph;
      this.kept = kept;
      for (Node node : graph.nodes().reversed()) {
        if (mixesRows(node.op()) || beforeAttention.contains(node)) {
          beforeAttention.add(node);
          beforeAttention.addAll(node.inputs());
        }
      }
    }

    List<Value> values() {
      for (Node node : graph.nodes()) {
        if (!node.type().isFixed()) {
          add(node);
        }
      }
      return values;
    }

    private void add(Node node) {
      boolean source = node.op() instanceof Op.Input;
      // Attention itself is computed for every row; what only its output feeds is not.
      boolean picked = !source && !beforeAttention.contains(node);
      Value value = new Value(node, null, picked, kept.test(node));
      for (Node input : node.inputs()) {
        if (!input.type().isFixed()) {
          value.inputs.add(picked ? pickedRows(input) : made.get(input));
        }
      }
      if (node.op() instanceof Op.Slice && !value.kept) {
        value.viewOf = value.inputs.getFirst();
        value.level = value.viewOf.ready();
      } else {
        place(value, source);
      }
      made.put(node, value);
      values.add(value);
    }

    private void place(Value value, boolean source) {
      value.level = source ? 0 : 1 + value.inputs.stream().mapToInt(Value::ready).max().orElse(0);
      value.lastUse = value.ready();
      for (Value input : value.inputs) {
        Value storage = input.storage();
        storage.lastUse = Math.max(storage.lastUse, value.level);
      }
    }

    private Value pickedRows(Node input) {
      Value whole = made.get(input);
      if (whole.picked) {
        return whole;
      }
      return gathered.computeIfAbsent(
          input,
          key -> {
            Value value = new Value(input, whole, true, false);
            value.inputs.add(whole);
            place(value, false);
            values.add(value);
            return value;
          });
    }

    private static boolean mixesRows(Op op) {
      return op instanceof Op.Append
          || op instanceof Op.Scores
          || op instanceof Op.Softmax
          || op instanceof Op.Mix
          || op instanceof Op.Attention;
    }
  }

  /** Whether the node has one row for each row of the call. */
  static boolean hasRows(Node node) {
    return node.type().extents().getFirst().equals(Extent.SEQ);
  }
}
