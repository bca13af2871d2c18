package kumiko.runtime.graph;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a model computes, in execution order.
 *
 * @param nodes every node after its inputs
 * @param output the logits, {@code [seq, vocab]}
 * @param positions how position numbers follow from the tokens
 */
public record Graph(String name, List<Node> nodes, Node output, Positions positions) {
  public Graph {
    nodes = List.copyOf(nodes);
  }

  /** Name to node, in execution order. */
  public Map<String, Node> byName() {
    Map<String, Node> map = new LinkedHashMap<>();
    nodes.forEach(node -> map.put(node.name(), node));
    return map;
  }

  /** One line a node. */
  @Override
  public String toString() {
    return nodes.stream().map(Node::toString).collect(Collectors.joining("\n", "graph " + name + "\n", "\n"));
  }
}
