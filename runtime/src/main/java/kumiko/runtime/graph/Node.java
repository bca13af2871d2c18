package kumiko.runtime.graph;

import java.util.List;
import java.util.stream.Collectors;

/**
 * One value of a graph.
 *
 * @param name canonical, unique: the same in traces, errors, diffs and parity reports
 */
public record Node(int id, String name, Op op, List<Node> inputs, Type type) {
  public Node {
    inputs = List.copyOf(inputs);
  }

  /** {@code blocks.0.attention.query = Linear(blocks.0.attention.norm, ...) [seq, 768]}. */
  @Override
  public String toString() {
    String arguments = inputs.stream().map(Node::name).collect(Collectors.joining(", "));
    String attributes = op.toString().replaceFirst("^[A-Za-z]+\\[", "").replaceFirst("\\]$", "");
    String body = op.getClass().getSimpleName() + (attributes.isEmpty() ? "" : "<" + attributes + ">") + "(" + arguments + ")";
    return name + " = " + body + " " + type;
  }

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return id;
  }
}
