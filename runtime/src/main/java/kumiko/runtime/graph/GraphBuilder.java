package kumiko.runtime.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.graph.Type.Extent;

/**
 * Writes a graph node by node and checks each as it is written. Equal inputs and equal unnamed work are written once: asking twice for
 * the same parameter, source or rotary angles gives the same node.
 *
 * <p>Every method that makes a node takes its canonical name first and throws {@link IllegalArgumentException}, naming the node and
 * both shapes, when the shapes do not fit.
 */
public final class GraphBuilder {
  private final String name;
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Node> byName = new HashMap<>();
  private final List<Node> allAngles = new ArrayList<>();

  public GraphBuilder(String name) {
    this.name = name;
  }

  public Graph build(Node output, Positions positions) {
    return new Graph(name, nodes, output, positions);
  }

  public Node tokens() {
    return source("tokens", new Source.Tokens(), Type.of(Extent.SEQ));
  }

  public Node position(int axis) {
    return source(axis == 0 ? "positions" : "blockPositions", new Source.Position(axis), Type.of(Extent.SEQ));
  }

  public Node visible(Mask mask) {
    String suffix = switch (mask) {
      case Mask.Causal() -> "causal";
      case Mask.PrefixCausal() -> "prefix";
      case Mask.Window(int size) -> "window" + size;
    };
    return source("visible." + suffix, new Source.Visible(mask), Type.of(Extent.SEQ, new Extent.Size(2)));
  }

  /** A weight of one or two dimensions. */
  public Node parameter(String parameterName, long... dims) {
    Node known = byName.get(parameterName);
    Type type = Type.fixed(dims);
    if (known != null) {
      if (!(known.op() instanceof Op.Parameter && known.type().equals(type))) {
        throw misfit(parameterName, "was a different node before: " + known);
      }
      return known;
    }
    return add(parameterName, new Op.Parameter(), type);
  }

  public Node embedding(String nodeName, Node table, Node ids) {
    if (table.type().extents().size() != 2) {
      throw misfit(nodeName, "needs a table [n, width], not " + table.type());
    }
    return add(nodeName, new Op.Embedding(), Type.rows(table.type().width()), table, ids);
  }

  /** {@code bias} may be null. */
  public Node linear(String nodeName, Node x, Node weight, Node bias) {
    if (!x.type().hasRows()) {
      throw misfit(nodeName, "needs rows [seq, in], not " + x.type());
    }
    if (weight.type().extents().size() != 2 || weight.type().width() != x.type().width()) {
      throw misfit(nodeName, "multiplies " + x.type() + " by a weight " + weight.type());
    }
    Type type = Type.of(x.type().extents().getFirst(), weight.type().extents().getFirst());
    requireVector(nodeName, "bias", bias, type.width());
    return bias == null ? add(nodeName, new Op.Linear(), type, x, weight) : add(nodeName, new Op.Linear(), type, x, weight, bias);
  }

  /** {@code weight} and {@code bias} may be null; a bias needs a weight. */
  public Node layerNorm(String nodeName, Node x, Node weight, Node bias, double eps) {
    requireVector(nodeName, "weight", weight, x.type().width());
    requireVector(nodeName, "bias", bias, x.type().width());
    if (weight == null && bias != null) {
      throw misfit(nodeName, "has a bias but no weight");
    }
    return add(nodeName, new Op.LayerNorm(eps), x.type(), present(x, weight, bias));
  }

  /** {@code weight} may be null. */
  public Node rmsNorm(String nodeName, Node x, Node weight, double eps, double offset) {
    requireVector(nodeName, "weight", weight, x.type().width());
    return add(nodeName, new Op.RmsNorm(eps, offset), x.type(), present(x, weight));
  }

  public Node activate(String nodeName, Node x, Activation function) {
    return add(nodeName, new Op.Activate(function), x.type(), x);
  }

  /** {@code scale * a + b}. */
  public Node add(String nodeName, double scale, Node a, Node b) {
    requireSame(nodeName, a, b);
    return add(nodeName, new Op.Add(scale), a.type(), a, b);
  }

  public Node multiply(String nodeName, Node a, Node b) {
    requireSame(nodeName, a, b);
    return add(nodeName, new Op.Multiply(), a.type(), a, b);
  }

  public Node scale(String nodeName, Node x, double factor) {
    return add(nodeName, new Op.Scale(factor), x.type(), x);
  }

  public Node slice(String nodeName, Node x, int from, int width) {
    if (from < 0 || width <= 0 || from + width > x.type().width()) {
      throw misfit(nodeName, "takes columns past the end of " + x.type());
    }
    return add(nodeName, new Op.Slice(from, width), x.type().withWidth(width), x);
  }

  /** Angles of all positions; the same node where the same ones were asked for before. */
  public Node angles(Node positions, Frequencies frequencies) {
    double[] values = frequencies.values();
    for (Node known : allAngles) {
      if (known.inputs().getFirst().equals(positions) && Arrays.equals(((Op.Angles) known.op()).frequencies().values(), values)) {
        return known;
      }
    }
    String nodeName = allAngles.isEmpty() ? "angles" : "angles." + allAngles.size();
    Node node = add(nodeName, new Op.Angles(frequencies), Type.rows(frequencies.dims()), positions);
    allAngles.add(node);
    return node;
  }

  public Node rotate(String nodeName, Node x, Node angles, int headDim, int first, Pairing pairing) {
    int dims = angles.type().width();
    if (!x.type().isRows() || x.type().width() % headDim != 0) {
      throw misfit(nodeName, "cuts " + x.type() + " into heads of " + headDim);
    }
    if (first < 0 || first + dims > headDim) {
      throw misfit(nodeName, "turns elements " + first + " + " + dims + " of a head of " + headDim);
    }
    return add(nodeName, new Op.Rotate(headDim, first, pairing), x.type(), x, angles);
  }

  /** The keys or values of one attention layer with {@code x} behind them; {@code prefix} may be null. */
  public Node append(String nodeName, Node x, Node prefix, int kvHeads, int headDim) {
    if (!x.type().isRows() || x.type().width() != kvHeads * headDim) {
      throw misfit(nodeName, "stores " + x.type() + " as " + kvHeads + " heads of " + headDim);
    }
    if (prefix != null && !(prefix.type().isFixed() && prefix.type().hasRows() && prefix.type().width() == kvHeads * headDim)) {
      throw misfit(nodeName, "needs a prefix [n, " + kvHeads * headDim + "] that is the same in every call, not " + prefix.type());
    }
    Type type = Type.of(new Extent.Size(kvHeads), Extent.KEYS, new Extent.Size(headDim));
    Node cache = add(nodeName + ".cache", new Op.Input(new Source.Cache(kvHeads, headDim)), type);
    return add(nodeName, new Op.Append(kvHeads, headDim), type, present(cache, x, prefix));
  }

  public Node scores(String nodeName, Node query, Node keys, int heads, int kvHeads, int headDim, double scale) {
    if (heads % kvHeads != 0) {
      throw misfit(nodeName, "shares " + kvHeads + " key heads among " + heads + " query heads");
    }
    if (query.type().width() != heads * headDim) {
      throw misfit(nodeName, "cuts " + query.type() + " into " + heads + " heads of " + headDim);
    }
    Type type = Type.of(new Extent.Size(heads), Extent.SEQ, Extent.KEYS);
    return add(nodeName, new Op.Scores(heads, kvHeads, headDim, scale), type, query, keys);
  }

  /** {@code fill} is NaN where masked scores are left out. */
  public Node softmax(String nodeName, Node scores, Node visible, double scale, double fill) {
    return add(nodeName, new Op.Softmax(scale, fill), scores.type(), scores, visible);
  }

  public Node mix(String nodeName, Node probabilities, Node values, int heads, int kvHeads, int headDim) {
    return add(nodeName, new Op.Mix(heads, kvHeads, headDim), Type.rows((long) heads * headDim), probabilities, values);
  }

  private Node source(String nodeName, Source source, Type type) {
    Node known = byName.get(nodeName);
    return known != null && known.op() instanceof Op.Input ? known : add(nodeName, new Op.Input(source), type);
  }

  private Node add(String nodeName, Op op, Type type, Node... inputs) {
    if (byName.containsKey(nodeName)) {
      throw misfit(nodeName, "is written twice");
    }
    Node node = new Node(nodes.size(), nodeName, op, List.of(inputs), type);
    nodes.add(node);
    byName.put(nodeName, node);
    return node;
  }

  private static Node[] present(Node... candidates) {
    return Arrays.stream(candidates).filter(java.util.Objects::nonNull).toArray(Node[]::new);
  }

  private static void requireVector(String nodeName, String role, Node vector, int width) {
    if (vector != null && !vector.type().equals(Type.fixed(width))) {
      throw misfit(nodeName, "needs a " + role + " [" + width + "], not " + vector.type());
    }
  }

  private static void requireSame(String nodeName, Node a, Node b) {
    if (!a.type().equals(b.type())) {
      throw misfit(nodeName, "combines " + a.type() + " of " + a.name() + " with " + b.type() + " of " + b.name());
    }
  }

  private static IllegalArgumentException misfit(String nodeName, String problem) {
    return new IllegalArgumentException("node " + nodeName + " " + problem);
  }
}
