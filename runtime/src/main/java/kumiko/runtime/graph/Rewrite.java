package kumiko.runtime.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A copy of a graph in which some nodes became others: what every pass is made of. */
final class Rewrite {
  private record Replacement(Op op, List<Node> inputs) {}

  private final Graph graph;
  private final Map<Node, Integer> uses = new HashMap<>();
  private final Map<Node, Replacement> replaced = new HashMap<>();
  private final Set<Node> absorbed = new HashSet<>();

  Rewrite(Graph graph) {
    this.graph = graph;
    uses.put(graph.output(), 1);
    for (Node node : graph.nodes()) {
      for (Node input : node.inputs()) {
        uses.merge(input, 1, Integer::sum);
      }
    }
  }

  /** Whether {@code node} is read exactly once. */
  boolean usedOnce(Node node) {
    return uses.getOrDefault(node, 0) == 1;
  }

  boolean isAbsorbed(Node node) {
    return absorbed.contains(node);
  }

  /** {@code node} keeps its name and type, but is computed by {@code op}; {@code gone} are no longer written. */
  void replace(Node node, Op op, List<Node> inputs, Node... gone) {
    replaced.put(node, new Replacement(op, inputs));
    absorbed.addAll(List.of(gone));
  }

  void drop(Node node) {
    absorbed.add(node);
  }

  Graph done() {
    Map<Node, Node> renewed = new HashMap<>();
    List<Node> nodes = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (absorbed.contains(node)) {
        continue;
      }
      Replacement with = replaced.getOrDefault(node, new Replacement(node.op(), node.inputs()));
      Node copy = new Node(nodes.size(), node.name(), with.op(), with.inputs().stream().map(renewed::get).toList(), node.type());
      nodes.add(copy);
      renewed.put(node, copy);
    }
    return new Graph(graph.name(), nodes, renewed.get(graph.output()), graph.positions());
  }
}
