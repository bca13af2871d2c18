package kumiko.runtime.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Checks a graph that comes from anywhere: inputs stand before their use, names are unique, every node has the type that its
 * operation gives it, a cache is written by one {@code Append} only, the output is rows of the graph.
 */
public final class GraphVerifier {
  private GraphVerifier() {}

  /** Every problem as one sentence that names its node; empty when the graph is sound. */
  public static List<String> problems(Graph graph) {
    List<String> problems = new ArrayList<>();
    Map<String, Node> names = new HashMap<>();
    Set<Node> known = new HashSet<>();
    for (Node node : graph.nodes()) {
      Node other = names.putIfAbsent(node.name(), node);
      if (other != null) {
        problems.add("node " + node.name() + " is written twice: as " + other.op() + " and as " + node.op());
      }
      for (Node input : node.inputs()) {
        if (!known.contains(input)) {
          problems.add("node " + node.name() + " uses " + input.name() + ", which does not stand before it");
        }
      }
      checkType(node, problems);
      known.add(node);
    }
    checkCaches(graph, problems);
    if (!known.contains(graph.output())) {
      problems.add("the output " + graph.output().name() + " is not a node of the graph");
    } else if (!graph.output().type().isRows()) {
      problems.add("the output " + graph.output().name() + " must be rows [seq, vocab], not " + graph.output().type());
    }
    return problems;
  }

  /** @throws IllegalArgumentException with every problem, one a line */
  public static Graph require(Graph graph) {
    List<String> problems = problems(graph);
    if (!problems.isEmpty()) {
      String count = problems.size() == 1 ? "1 problem" : problems.size() + " problems";
      throw new IllegalArgumentException("graph " + graph.name() + ": " + count + "\n  " + String.join("\n  ", problems));
    }
    return graph;
  }

  private static void checkType(Node node, List<String> problems) {
    try {
      Type type = NodeTypes.infer(node);
      if (!type.equals(node.type())) {
        problems.add("node " + node.name() + " says it is " + node.type() + ", but its inputs make it " + type);
      }
    } catch (NodeTypes.Misfit misfit) {
      problems.add("node " + node.name() + " " + misfit.getMessage());
    }
  }

  private static void checkCaches(Graph graph, List<String> problems) {
    Map<Node, Node> writers = new HashMap<>();
    for (Node node : graph.nodes()) {
      for (Node input : node.inputs()) {
        if (!(input.op() instanceof Op.Input(Source.Cache cache))) {
          continue;
        }
        Node other = writers.putIfAbsent(input, node);
        if (other != null || !(node.op() instanceof Op.Append)) {
          problems.add("cache " + input.name() + " is used by " + node.name() + "; one Append writes it and nothing else reads it");
        }
      }
    }
  }
}
