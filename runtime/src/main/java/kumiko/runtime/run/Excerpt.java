package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import kumiko.runtime.graph.Graph;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.graph.Source;
import kumiko.runtime.graph.Type;
import kumiko.runtime.graph.Type.Extent;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Slab;

/**
 * The part of a graph that computes one node when the values of others are given: what is behind the given nodes is left out and costs
 * nothing.
 *
 * <p>A session over {@link #graph} is run with {@link #weights} and with {@link Options#replace} of all {@link #given} nodes; its
 * {@link Session#onReplace} must write every one of them, as they are zero before.
 *
 * @param graph ends in rows that mean nothing; {@code wanted} is captured
 * @param given the nodes that the excerpt begins with, in order of execution
 */
public record Excerpt(Graph graph, String wanted, List<String> given) {
  private static final String OUTPUT = "excerpt.output";
  private static final String TABLE = ".given";

  public Excerpt {
    given = List.copyOf(given);
  }

  /**
   * @param known nodes whose values can be given; those that are no rows {@code [seq, n]}, as scores and caches, are computed again
   *
   * @throws IllegalArgumentException when the graph has no node {@code wanted}
   */
  public static Excerpt of(Graph graph, Set<String> known, String wanted) {
    Node target = graph.byName().get(wanted);
    if (target == null) {
      throw new IllegalArgumentException(graph.name() + " has no node " + wanted);
    }
    return new Builder(graph, known, target).build();
  }

  /** The weights of the whole graph, and zeros where a given node will be written; they live in {@code arena}. */
  public Weights weights(Weights whole, Arena arena) {
    Map<String, Matrix> tables = new HashMap<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.Parameter && isTable(node.name())) {
        tables.put(node.name(), zeros(node.type(), arena));
      }
    }
    return name -> isTable(name) ? tables.get(name) : whole.get(name);
  }

  private boolean isTable(String name) {
    return name.equals(OUTPUT + TABLE) || (name.endsWith(TABLE) && given.contains(name.substring(0, name.length() - TABLE.length())));
  }

  /** All rows are the same memory. */
  private static Matrix zeros(Type type, Arena arena) {
    int rows = type.extents().getFirst() instanceof Extent.Size(long n) ? Math.toIntExact(n) : 0;
    int width = type.width();
    Slab row = new Slab(arena.allocate(DType.F32.bytes(width), 64), 0, 0, 1, rows, 0, width, 0, 1);
    return new Matrix(DType.F32, rows, width, List.of(row));
  }

  private static final class Builder {
    private final Graph whole;
    private final Node target;
    private final Set<Node> needed = new HashSet<>();
    private final Set<Node> cut = new HashSet<>();
    private final Map<Node, Node> renewed = new HashMap<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Node tokens;
    private final long vocab;

    Builder(Graph whole, Set<String> known, Node target) {
      this.whole = whole;
      this.target = target;
      needed.add(target);
      for (Node node : whole.nodes().reversed()) {
        if (!needed.contains(node)) {
          continue;
        }
        if (!node.equals(target) && known.contains(node.name()) && node.type().isRows()) {
          cut.add(node);
        } else {
          needed.addAll(node.inputs());
        }
      }
      Node original = whole.nodes().stream().filter(Builder::isTokens).findFirst().orElse(null);
      tokens = add(original == null ? "tokens" : original.name(), new Op.Input(new Source.Tokens()), List.of(), Type.of(Extent.SEQ));
      renewed.put(original, tokens);
      vocab = whole.nodes().stream().mapToLong(Builder::tokenRows).filter(rows -> rows > 0).min().orElse(whole.output().type().width());
    }

    Excerpt build() {
      for (Node node : whole.nodes()) {
        if (cut.contains(node)) {
          renewed.put(node, rowsOf(node.name(), node.type().width()));
        } else if (needed.contains(node) && !renewed.containsKey(node)) {
          renewed.put(node, add(node.name(), node.op(), node.inputs().stream().map(renewed::get).toList(), node.type()));
        }
      }
      Node output = rowsOf(OUTPUT, 1);
      List<String> given = whole.nodes().stream().filter(cut::contains).map(Node::name).toList();
      return new Excerpt(new Graph(whole.name(), nodes, output, whole.positions()), target.name(), given);
    }

    /** A graph is given nothing but tokens, so a given value stands where rows of a table would be looked up. */
    private Node rowsOf(String name, long width) {
      Node table = add(name + TABLE, new Op.Parameter(), List.of(), Type.fixed(vocab, width));
      return add(name, new Op.Embedding(), List.of(table, tokens), Type.rows(width));
    }

    private Node add(String name, Op op, List<Node> inputs, Type type) {
      Node node = new Node(nodes.size(), name, op, inputs, type);
      nodes.add(node);
      return node;
    }

    private static boolean isTokens(Node node) {
      return node.op() instanceof Op.Input(Source.Tokens());
    }

    private static long tokenRows(Node node) {
      boolean looksUp = node.op() instanceof Op.Embedding && isTokens(node.inputs().get(1));
      return looksUp && node.inputs().get(0).type().extents().getFirst() instanceof Extent.Size(long rows) ? rows : 0;
    }
  }
}
