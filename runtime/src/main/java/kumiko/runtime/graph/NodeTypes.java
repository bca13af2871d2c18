package kumiko.runtime.graph;

import java.util.List;
import java.util.function.Supplier;
import kumiko.runtime.graph.Type.Extent;

/** The shape rule of every operation: which inputs it takes and what comes out, as {@link Op} says beside each. */
final class NodeTypes {
  private NodeTypes() {}

  /** Thrown inside this package and turned into a sentence of {@link GraphVerifier}. */
  static final class Misfit extends RuntimeException {
    Misfit(String problem) {
      super(problem, null, false, false);
    }
  }

  /**
   * The type that the operation gives to a node with these inputs; for a parameter or a source, the type it must have.
   *
   * @throws Misfit when the inputs do not fit
   */
  static Type infer(Node node) {
    return switch (node.op()) {
      case Op.Input(Source source) -> source(node, source);
      case Op.Parameter() -> parameter(node);
      case Op.Embedding() -> embedding(node);
      case Op.Linear() -> linear(node, 0);
      case Op.LinearAdd(double scale) -> linearAdd(node);
      case Op.LayerNorm(double eps) -> norm(node, 3);
      case Op.RmsNorm(double eps, double offset) -> norm(node, 2);
      case Op.Activate(Activation function) -> rows(count(node, 1, 1), 0);
      case Op.Scale(double factor) -> rows(count(node, 1, 1), 0);
      case Op.RoundInt8(double threshold) -> rows(count(node, 1, 1), 0);
      case Op.Add(double scale) -> same(node);
      case Op.Multiply() -> same(node);
      case Op.Gated(Activation function) -> same(node);
      case Op.Slice(int from, int width) -> slice(node, from, width);
      case Op.Angles(Frequencies frequencies) -> angles(node, frequencies);
      case Op.Rotate(int headDim, int first, Pairing pairing) -> rotate(node, headDim, first);
      case Op.Append(int kvHeads, int headDim) -> append(node, kvHeads, headDim);
      case Op.Scores op -> scores(node, op.heads(), op.kvHeads(), op.headDim());
      case Op.Softmax(double scale, double fill) -> softmax(node);
      case Op.Mix(int heads, int kvHeads, int headDim) -> mix(node, heads, kvHeads, headDim);
      case Op.Attention op -> attention(node, op);
    };
  }

  private static Type source(Node node, Source source) {
    count(node, 0, 0);
    return switch (source) {
      case Source.Tokens() -> Type.of(Extent.SEQ);
      case Source.Position(int axis) -> Type.of(Extent.SEQ);
      case Source.Visible(Mask mask) -> Type.of(Extent.SEQ, new Extent.Size(2));
      case Source.Cache(int kvHeads, int headDim) -> cache(kvHeads, headDim);
    };
  }

  private static Type cache(int kvHeads, int headDim) {
    return Type.of(new Extent.Size(kvHeads), Extent.KEYS, new Extent.Size(headDim));
  }

  private static Type parameter(Node node) {
    count(node, 0, 0);
    List<Extent> extents = node.type().extents();
    boolean fits = !extents.isEmpty() && extents.size() <= 2 && extents.stream().allMatch(e -> e instanceof Extent.Size(long n) && n > 0);
    require(fits, () -> "is a parameter of type " + node.type() + "; a parameter has one or two fixed extents");
    return node.type();
  }

  private static Type embedding(Node node) {
    Node table = weight(count(node, 2, 2), 0, 2);
    expect(node, 1, Type.of(Extent.SEQ));
    return Type.rows(table.type().width());
  }

  private static Type linear(Node node, int first) {
    count(node, first + 2, first + 3);
    Type x = rows(node, first);
    int in = x.width();
    Node weight = weight(node, first + 1, 2);
    require(weight.type().width() == in, () -> "multiplies " + node.inputs().get(first).type() + " by a weight " + weight.type());
    Type type = Type.of(x.extents().getFirst(), weight.type().extents().getFirst());
    if (node.inputs().size() == first + 3) {
      expect(node, first + 2, Type.fixed(type.width()));
    }
    return type;
  }

  private static Type linearAdd(Node node) {
    Type type = linear(node, 1);
    expect(node, 0, type);
    return type;
  }

  private static Type norm(Node node, int atMost) {
    Type type = rows(count(node, 1, atMost), 0);
    for (int i = 1; i < node.inputs().size(); i++) {
      expect(node, i, Type.fixed(type.width()));
    }
    return type;
  }

  private static Type same(Node node) {
    Type type = rows(count(node, 2, 2), 0);
    expect(node, 1, type);
    return type;
  }

  private static Type slice(Node node, int from, int width) {
    Type type = rows(count(node, 1, 1), 0);
    require(from >= 0 && width > 0 && (long) from + width <= type.width(), () -> "takes columns " + from + " + " + width + " of " + type);
    return type.withWidth(width);
  }

  private static Type angles(Node node, Frequencies frequencies) {
    count(node, 1, 1);
    expect(node, 0, Type.of(Extent.SEQ));
    return Type.rows(frequencies.dims());
  }

  private static Type rotate(Node node, int headDim, int first) {
    Type type = rows(count(node, 2, 2), 0);
    int dims = rows(node, 1).width();
    require(type.isRows(), () -> "turns the rows of a call, not " + type);
    require(headDim > 0 && type.width() % headDim == 0, () -> "cuts " + type + " into heads of " + headDim);
    require(first >= 0 && first + dims <= headDim, () -> "turns elements " + first + " + " + dims + " of a head of " + headDim);
    return type;
  }

  private static Type append(Node node, int kvHeads, int headDim) {
    count(node, 2, 3);
    expect(node, 0, cache(kvHeads, headDim));
    expect(node, 1, Type.rows((long) kvHeads * headDim));
    if (node.inputs().size() == 3) {
      Type prefix = node.inputs().get(2).type();
      require(prefix.hasRows() && prefix.isFixed(), () -> "needs a prefix with a fixed number of rows, not " + prefix);
      int width = prefix.width();
      require(width == kvHeads * headDim, () -> "has a prefix of width " + width + " for " + kvHeads + " heads of " + headDim);
    }
    return cache(kvHeads, headDim);
  }

  private static Type scores(Node node, int heads, int kvHeads, int headDim) {
    count(node, 2, 2);
    heads(heads, kvHeads);
    expect(node, 0, Type.rows((long) heads * headDim));
    expect(node, 1, cache(kvHeads, headDim));
    return Type.of(new Extent.Size(heads), Extent.SEQ, Extent.KEYS);
  }

  private static Type softmax(Node node) {
    Type type = count(node, 2, 2).inputs().getFirst().type();
    List<Extent> e = type.extents();
    require(e.size() == 3 && e.get(1).equals(Extent.SEQ) && e.get(2).equals(Extent.KEYS),
        () -> "needs scores [heads, seq, keys], not " + type);
    visible(node, 1);
    return type;
  }

  private static Type mix(Node node, int heads, int kvHeads, int headDim) {
    count(node, 2, 2);
    heads(heads, kvHeads);
    expect(node, 0, Type.of(new Extent.Size(heads), Extent.SEQ, Extent.KEYS));
    expect(node, 1, cache(kvHeads, headDim));
    return Type.rows((long) heads * headDim);
  }

  private static Type attention(Node node, Op.Attention op) {
    count(node, 4, 4);
    heads(op.heads(), op.kvHeads());
    expect(node, 0, Type.rows((long) op.heads() * op.headDim()));
    expect(node, 1, cache(op.kvHeads(), op.headDim()));
    expect(node, 2, cache(op.kvHeads(), op.headDim()));
    visible(node, 3);
    return Type.rows((long) op.heads() * op.headDim());
  }

  private static void heads(int heads, int kvHeads) {
    require(kvHeads > 0 && heads > 0 && heads % kvHeads == 0, () -> "shares " + kvHeads + " key heads among " + heads + " query heads");
  }

  private static void visible(Node node, int index) {
    Op op = node.inputs().get(index).op();
    boolean fits = op instanceof Op.Input(Source.Visible(Mask mask));
    require(fits, () -> "needs the visible ranges as input " + index + ", not " + node.inputs().get(index).name());
  }

  private static Node weight(Node node, int index, int rank) {
    Node weight = node.inputs().get(index);
    boolean fits = weight.op() instanceof Op.Parameter && weight.type().extents().size() == rank;
    require(fits, () -> "needs a parameter of " + rank + " dimensions as input " + index + ", not " + weight.name() + " " + weight.type());
    return weight;
  }

  private static Type rows(Node node, int index) {
    Type type = node.inputs().get(index).type();
    require(type.hasRows(), () -> "needs rows [seq, n] as input " + index + ", not " + node.inputs().get(index).name() + " " + type);
    return type;
  }

  private static void expect(Node node, int index, Type wanted) {
    Node input = node.inputs().get(index);
    require(input.type().equals(wanted), () -> "needs " + wanted + " as input " + index + ", not " + input.name() + " " + input.type());
  }

  private static Node count(Node node, int least, int most) {
    int n = node.inputs().size();
    require(
        n >= least && n <= most,
        () -> "has " + n + " inputs, but " + node.op().getClass().getSimpleName() + " takes "
            + (least == most ? "" + least : least + " to " + most));
    return node;
  }

  /** @param problem what is wrong where it does not hold; a deep model has thousands of nodes that are as they must be */
  private static void require(boolean holds, Supplier<String> problem) {
    if (!holds) {
      throw new Misfit(problem.get());
    }
  }
}
