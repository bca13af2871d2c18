package kumiko.runtime.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Puts an {@link Op.RoundInt8} before linear layers with int8 weights; layers that read the same rows share it. It is called as the rows
 * are, with {@code .int8} behind.
 */
public final class Int8Activations {
  private final Predicate<Node> int8;
  private final Op rounding;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<Node, Node> renewed = new HashMap<>();
  private final Map<Node, Node> rounded = new HashMap<>();

  private Int8Activations(Predicate<Node> int8, double threshold) {
    this.int8 = int8;
    this.rounding = new Op.RoundInt8(threshold);
  }

  /** The graph with rounded activations before every linear layer whose weight is {@code int8}. */
  public static Graph round(Graph graph, Predicate<Node> int8, double threshold) {
    Int8Activations work = new Int8Activations(int8, threshold);
    graph.nodes().forEach(work::renew);
    return new Graph(graph.name(), work.nodes, work.renewed.get(graph.output()), graph.positions());
  }

  private void renew(Node node) {
    int x = switch (node.op()) {
      case Op.Linear() -> 0;
      case Op.LinearAdd(double scale) -> 1;
      default -> -1;
    };
    List<Node> inputs = new ArrayList<>(node.inputs().stream().map(renewed::get).toList());
    if (x >= 0 && int8.test(node.inputs().get(x + 1))) {
      inputs.set(x, rounded.computeIfAbsent(inputs.get(x), rows -> add(rows.name() + ".int8", rounding, List.of(rows), rows.type())));
    }
    renewed.put(node, add(node.name(), node.op(), inputs, node.type()));
  }

  private Node add(String name, Op op, List<Node> inputs, Type type) {
    Node node = new Node(nodes.size(), name, op, inputs, type);
    nodes.add(node);
    return node;
  }
}
