package kumiko.runtime.graph;

import java.util.List;
import kumiko.runtime.graph.Type.Extent;

/**
 * What one node costs in a call of {@code seq} new rows of one sequence with {@code past} positions behind it.
 *
 * <p>FLOPs: a multiply and an add are two. A linear layer counts {@code 2 * in * out} a row (biases are left out, as everybody does),
 * the score product and the mixing of values {@code 2 * headDim} each for every query head and key. An element-wise function counts
 * one an element, a layer norm 8, an RMS norm and a rounding to int8 4, a softmax 5 a key, a rotation 6 a pair.
 */
public final class Cost {
  private Cost() {}

  /** How many query-key pairs a call of {@code seq} rows with {@code past} positions behind it has. */
  @FunctionalInterface
  public interface Pairs {
    /** All {@code seq * (past + seq)}, as accounts without causal halving do. */
    Pairs ALL = (seq, past) -> seq * (past + seq);

    /** Only those where the key is not after the query. */
    Pairs CAUSAL = (seq, past) -> seq * past + seq * (seq + 1) / 2;

    long count(long seq, long past);

    /** Those that {@code mask} shows; a prompt under a prefix mask counts as prefix throughout. */
    static Pairs of(Mask mask) {
      return switch (mask) {
        case Mask.Causal() -> CAUSAL;
        case Mask.PrefixCausal() -> (seq, past) -> past == 0 ? ALL.count(seq, 0) : CAUSAL.count(seq, past);
        case Mask.Window(int size) -> (seq, past) -> CAUSAL.count(seq, past) - hidden(past + seq - size) + hidden(past - size);
      };
    }

    /** Pairs further apart than a window, up to the query that has {@code keys} of them hidden. */
    private static long hidden(long keys) {
      return keys <= 0 ? 0 : keys * (keys + 1) / 2;
    }
  }

  /** Floating point operations of the forward pass; none for what is the same in every call, which is computed once before. */
  public static long flops(Node node, long seq, long past, Pairs pairs) {
    return node.type().isFixed() ? 0 : callFlops(node, seq, past, pairs);
  }

  private static long callFlops(Node node, long seq, long past, Pairs pairs) {
    return switch (node.op()) {
      case Op.Input(Source source) -> 0;
      case Op.Parameter() -> 0;
      case Op.Embedding() -> 0;
      case Op.Slice(int from, int width) -> 0;
      case Op.Append(int kvHeads, int headDim) -> 0;
      case Op.Linear() -> linear(node, 0, seq);
      case Op.LinearAdd(double scale) -> linear(node, 1, seq) + seq * node.type().width() * added(scale);
      case Op.LayerNorm(double eps) -> 8 * seq * node.type().width();
      case Op.RmsNorm(double eps, double offset) -> 4 * seq * node.type().width();
      case Op.Activate(Activation function) -> seq * node.type().width();
      case Op.Add(double scale) -> seq * node.type().width() * added(scale);
      case Op.Multiply() -> seq * node.type().width();
      case Op.Scale(double factor) -> seq * node.type().width();
      case Op.RoundInt8(double threshold) -> 4 * seq * node.type().width();
      case Op.Gated(Activation function) -> 2 * seq * node.type().width();
      case Op.Angles(Frequencies frequencies) -> 3 * seq * frequencies.dims() / 2;
      case Op.Rotate(int headDim, int first, Pairing pairing) ->
        3L * node.inputs().get(1).type().width() * (node.type().width() / headDim) * seq;
      case Op.Scores op -> 2L * op.heads() * op.headDim() * pairs.count(seq, past);
      case Op.Softmax(double scale, double fill) -> 5 * heads(node) * pairs.count(seq, past);
      case Op.Mix op -> 2L * op.heads() * op.headDim() * pairs.count(seq, past);
      case Op.Attention op -> (4L * op.headDim() + 5) * op.heads() * pairs.count(seq, past);
    };
  }

  /** FLOPs of all nodes. */
  public static long flops(Graph graph, long seq, long past, Pairs pairs) {
    return graph.nodes().stream().mapToLong(node -> flops(node, seq, past, pairs)).sum();
  }

  /** Elements of a parameter; 0 for any other node. */
  public static long parameterElements(Node node) {
    return node.op() instanceof Op.Parameter ? elements(node.type(), 0, 0) : 0;
  }

  /** Elements of the weights that a call reads for this node; an embedding reads one row a token. */
  public static long weightElements(Node node, long seq) {
    if (node.op() instanceof Op.Embedding) {
      return seq * node.type().width();
    }
    return node.type().isFixed() ? 0 : node.inputs().stream().mapToLong(Cost::parameterElements).sum();
  }

  /** Elements of the node's own value; a cache with its new rows counts the new rows only. */
  public static long valueElements(Node node, long seq, long past) {
    return switch (node.op()) {
      case Op.Input(Source source) -> 0;
      case Op.Parameter() -> 0;
      case Op.Append(int kvHeads, int headDim) -> seq * kvHeads * headDim;
      default -> node.type().isFixed() ? 0 : elements(node.type(), seq, past + seq);
    };
  }

  /** Elements of activations and cache that a call reads for this node, weights apart. */
  public static long readElements(Node node, long seq, long past) {
    long sum = 0;
    List<Node> inputs = node.inputs();
    for (int i = node.op() instanceof Op.Append ? 1 : 0; i < inputs.size(); i++) {
      Node input = inputs.get(i);
      sum += input.type().isFixed() ? 0 : elements(input.type(), seq, past + seq);
    }
    return sum;
  }

  /** Elements that one position adds to the key/value cache. */
  public static long cacheElements(Graph graph) {
    return graph.nodes().stream().filter(node -> node.op() instanceof Op.Append).mapToLong(node -> valueElements(node, 1, 0)).sum();
  }

  private static long linear(Node node, int first, long seq) {
    return 2 * seq * node.inputs().get(first).type().width() * node.type().width();
  }

  private static long added(double scale) {
    return scale == 1 ? 1 : 2;
  }

  private static long heads(Node node) {
    return node.type().extents().getFirst() instanceof Extent.Size(long heads) ? heads : 0;
  }

  private static long elements(Type type, long seq, long keys) {
    long product = 1;
    for (Extent extent : type.extents()) {
      product *= extent instanceof Extent.Size(long size) ? size : extent.equals(Extent.SEQ) ? seq : keys;
    }
    return product;
  }
}
