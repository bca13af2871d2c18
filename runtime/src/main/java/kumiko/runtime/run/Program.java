package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import kumiko.runtime.graph.Graph;
import kumiko.runtime.graph.GraphVerifier;
import kumiko.runtime.graph.Int8Activations;
import kumiko.runtime.graph.NamePattern;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.graph.Pass;
import kumiko.runtime.kernel.Kernels;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;

/**
 * A graph with its weights, ready to run: checked, rewritten by passes, its work ordered into phases, its memory planned. Sessions are
 * opened from it.
 *
 * <p>Weights stay where they are stored; they must stay readable until the program is closed. Vectors are copied once.
 *
 * <p>The sessions of one program share its threads, so one of them runs at a time.
 */
public final class Program implements AutoCloseable {
  private final Graph source;
  private final Graph graph;
  private final Options options;
  private final Quantisation quantisation;
  private final Limits limits;
  private final Plan plan;
  private final Arena arena = Arena.ofShared();
  private final BoundWeights weights;
  private final Team team;

  private Program(Graph graph, Weights weights, Options options) {
    GraphVerifier.require(graph);
    this.options = options;
    quantisation = weights.quantisation();
    source = graph;
    limits = Limits.of(graph);
    Predicate<Node> kept = node -> isObservable(node) && (matches(options.captured(), node) || matches(options.replaced(), node));
    checkPatterns(graph);
    this.graph = rounded(Pass.applyAll(graph, options.passes(), kept), weights);
    plan = Plan.of(this.graph, kept);
    boolean built = false;
    try {
      this.weights = new BoundWeights(this.graph, weights, options, arena);
      team = new Team(options.threads());
      built = true;
    } finally {
      if (!built) {
        arena.close();
      }
    }
  }

  /** Weights in int8 rows are half of a method; the other half is what the weights' quantisation says of activations. */
  private static Graph rounded(Graph graph, Weights weights) {
    Predicate<Node> int8 = node -> {
      Matrix matrix = node.op() instanceof Op.Parameter ? weights.get(node.name()) : null;
      return matrix != null && matrix.dtype() == DType.I8_ROWS;
    };
    if (weights.quantisation() instanceof Quantisation.Int8(double threshold)) {
      return Int8Activations.round(graph, int8, threshold);
    }
    graph.nodes().stream().filter(int8).findFirst().ifPresent(node -> {
      throw new IllegalArgumentException(
          graph.name() + ": " + node.name() + " is " + DType.I8_ROWS + ", but its weights do not say from which magnitude on activations "
              + "are kept; hand over the QuantisedWeights themselves, not their get");
    });
    return graph;
  }

  /**
   * Checks the graph and its weights and orders the work.
   *
   * @throws IllegalArgumentException when the graph is unsound, a weight is missing or does not fit, or a capture pattern matches
   *     nothing; each names every problem at once
   */
  public static Program compile(Graph graph, Weights weights, Options options) {
    return new Program(graph, weights, options);
  }

  private static String hash(Graph graph) {
    try {
      // Without its name, which a checkpoint takes from its folder.
      Graph unnamed = new Graph("", graph.nodes(), graph.output(), graph.positions());
      byte[] text = (unnamed + "output " + graph.output().name() + "\npositions " + graph.positions()).getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text));
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every JDK has SHA-256", missing);
    }
  }

  private void checkPatterns(Graph source) {
    List<String> problems = new ArrayList<>(limits.problems());
    for (NamePattern pattern : options.captured()) {
      if (source.nodes().stream().noneMatch(node -> isObservable(node) && pattern.matches(node.name()))) {
        problems.add("no node is called " + pattern + "; capture a canonical name, * stands for any characters");
      }
    }
    for (NamePattern pattern : options.replaced()) {
      List<Node> found = source.nodes().stream().filter(node -> isObservable(node) && pattern.matches(node.name())).toList();
      if (found.isEmpty()) {
        problems.add("no node is called " + pattern + "; replace a canonical name, * stands for any characters");
      }
      found.stream()
          .filter(node -> node.op() instanceof Op.Append)
          .forEach(
              node -> problems.add("node " + node.name() + " is a cache and cannot be replaced; replace " + node.inputs().get(1).name()));
    }
    if (!problems.isEmpty()) {
      String count = problems.size() == 1 ? "1 problem" : problems.size() + " problems";
      throw new IllegalArgumentException(source.name() + ": " + count + "\n  " + String.join("\n  ", problems));
    }
  }

  private static boolean isObservable(Node node) {
    return !(node.op() instanceof Op.Input) && !node.type().isFixed();
  }

  static boolean matches(List<NamePattern> patterns, Node node) {
    return patterns.stream().anyMatch(pattern -> pattern.matches(node.name()));
  }

  /**
   * Opens a session for {@code slots} sequences of at most {@code capacity} tokens each. The memory for them is set aside now, but
   * takes room only as far as it is filled.
   */
  public Session open(int slots, int capacity) {
    if (slots < 1 || capacity < 1) {
      throw new IllegalArgumentException(
          graph.name() + ": a session needs at least 1 slot and a capacity of 1 token, not " + slots + " and " + capacity);
    }
    Arena memory = Arena.ofShared();
    try {
      return new Session(this, memory, slots, capacity);
    } catch (RuntimeException | Error refused) {
      memory.close();
      throw refused;
    }
  }

  /** The graph that runs, after the passes. */
  public Graph graph() {
    return graph;
  }

  public Options options() {
    return options;
  }

  /** Type of logits and captured values. */
  public DType activations() {
    return options.kernels().activations();
  }

  /** Logits a position has. */
  public int vocab() {
    return graph.output().type().width();
  }

  /** A hash of what the graph computes: of its nodes before any pass, their numbers and shapes, and its positions; not of its name or its weights. */
  public String fingerprint() {
    return hash(source);
  }

  /**
   * What a call needs: of {@code sequences} sequences that each get {@code rows} new rows behind {@code past} positions, the logits of
   * their last rows.
   */
  public Work work(int sequences, int rows, int past) {
    return Work.of(plan, weights, kernels(), sequences, rows, past);
  }

  /** The stored tensors, or quantised copies, that its linear layers read: each once, as a whole, valid as long as the weights are. */
  public List<MemorySegment> weightMemory() {
    Map<Long, MemorySegment> places = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      Node weight = weight(node);
      if (weight != null) {
        weights.matrix(weight).slabs().forEach(slab -> places.put(slab.data().address(), slab.data().asReadOnly()));
      }
    }
    return List.copyOf(places.values());
  }

  /** What a linear layer multiplies by, or null where the node is none. */
  private static Node weight(Node node) {
    return switch (node.op()) {
      case Op.Linear() -> node.inputs().get(1);
      case Op.LinearAdd _ -> node.inputs().get(2);
      default -> null;
    };
  }

  Quantisation quantisation() {
    return quantisation;
  }

  Kernels kernels() {
    return options.kernels();
  }

  Limits limits() {
    return limits;
  }

  Plan plan() {
    return plan;
  }

  BoundWeights weights() {
    return weights;
  }

  Team team() {
    return team;
  }

  /** Scratch that one thread needs for the greediest step. */
  long scratchBytes(int rows, int keys) {
    long most = 0;
    for (Node node : graph.nodes()) {
      Node weight = weight(node);
      long bytes = 0;
      if (weight != null) {
        bytes = kernels().linearScratchBytes(weights.matrix(weight), rows);
      } else if (node.op() instanceof Op.Attention op) {
        bytes = kernels().attentionScratchBytes(op.headDim(), keys);
      }
      most = Math.max(most, bytes);
    }
    return most;
  }

  /** Stops the threads and frees the copied vectors; sessions must be closed before. */
  @Override
  public void close() {
    team.close();
    arena.close();
  }
}
