package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import kumiko.runtime.graph.Graph;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.graph.Positions;
import kumiko.runtime.graph.Source;
import kumiko.runtime.graph.Type;
import kumiko.runtime.graph.Type.Extent;
import kumiko.runtime.tensor.Rows;

/**
 * Values that depend on parameters alone, computed once while a program is built. A node {@code [n, width]} is run as a graph of its own
 * over the "tokens" {@code 0 .. n - 1}, each of which looks up its row in the tables: the same steps and kernels as everywhere.
 */
final class Constants {
  private final Node tokens = new Node(0, "tokens", new Op.Input(new Source.Tokens()), List.of(), Type.of(Extent.SEQ));
  private final List<Node> nodes = new ArrayList<>(List.of(tokens));
  private final Map<Node, Node> parameters = new HashMap<>();
  private final Map<Node, Node> rows = new HashMap<>();

  private Constants() {}

  /** The rows of {@code node} in memory of {@code arena}. */
  static Rows compute(Node node, Weights weights, Options options, Arena arena) {
    Constants graph = new Constants();
    Node output = graph.rows(node);
    int count = node.type().extents().getFirst() instanceof Extent.Size(long n) ? Math.toIntExact(n) : 0;
    int width = node.type().width();
    long rowBytes = options.kernels().activations().bytes(width);
    MemorySegment data = arena.allocate(count * rowBytes, 64);
    Graph alone = new Graph(node.name(), graph.nodes, output, new Positions.Sequential());
    try (Program program = Program.compile(alone, weights, options); Session session = program.open(1, count)) {
      session.prefill(
          0,
          IntStream.range(0, count).toArray(),
          (row, values) -> MemorySegment.copy(values, 0, data, row * rowBytes, rowBytes));
    }
    return new Rows(data, width);
  }

  /** The node that gives row i for token i. */
  private Node rows(Node fixed) {
    Node known = rows.get(fixed);
    if (known == null) {
      known = fixed.op() instanceof Op.Parameter
          ? add(fixed.name() + ".rows", new Op.Embedding(), fixed.type().width(), List.of(parameter(fixed), tokens))
          : add(fixed.name(), fixed.op(), fixed.type().width(), inputs(fixed));
      rows.put(fixed, known);
    }
    return known;
  }

  private List<Node> inputs(Node fixed) {
    int rowInputs = switch (fixed.op()) {
      case Op.Add op -> 2;
      case Op.Multiply op -> 2;
      case Op.Gated op -> 2;
      case Op.LinearAdd op -> 2;
      default -> 1;
    };
    List<Node> inputs = fixed.inputs();
    return IntStream.range(0, inputs.size()).mapToObj(i -> i < rowInputs ? rows(inputs.get(i)) : parameter(inputs.get(i))).toList();
  }

  private Node parameter(Node original) {
    Node known = parameters.get(original);
    if (known == null) {
      known = new Node(nodes.size(), original.name(), original.op(), List.of(), original.type());
      nodes.add(known);
      parameters.put(original, known);
    }
    return known;
  }

  private Node add(String name, Op op, long width, List<Node> inputs) {
    Node node = new Node(nodes.size(), name, op, inputs, Type.rows(width));
    nodes.add(node);
    return node;
  }
}
