package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ObjLongConsumer;
import kumiko.runtime.graph.Graph;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.machine.LazyMemory;
import kumiko.runtime.run.QuantisedWeights.Change;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.RowEncoder;

/**
 * Makes the quantised copy of a model's weights, off the heap, a few rows at a time: of views that are slices, transposes or sums too,
 * without ever holding a whole one in floats.
 */
public final class Quantiser {
  private static final long ALL_FIT = Long.MAX_VALUE;
  private static final long LINE = 64;

  private final DType type;
  private final Team team;
  private final List<String> problems = new ArrayList<>();

  private Quantiser(DType type, Team team) {
    this.type = type;
    this.team = team;
  }

  /**
   * Quantises the weights that the graph's blocks multiply by. What cannot be is kept as it is, and {@link QuantisedWeights#kept()} says
   * why.
   *
   * @param arena owns the copies
   * @param progress gets the name of each weight when it is done, and the stored bytes of all so far
   *
   * @throws IllegalArgumentException naming every weight with an element that has no quantised value, and the element
   */
  public static QuantisedWeights quantise(
      Graph graph, Weights weights, Quantisation quantisation, Arena arena, int threads, ObjLongConsumer<String> progress) {
    List<Change> changes = new ArrayList<>();
    Map<String, String> kept = new LinkedHashMap<>();
    DType type = quantisation.dtype().orElse(null);
    if (type == null) {
      return new QuantisedWeights(weights, quantisation, changes, kept);
    }
    Map<String, Matrix> sources = new LinkedHashMap<>();
    long room = 0;
    for (Node node : candidates(graph)) {
      Matrix matrix = weights.get(node.name());
      String obstacle = matrix == null ? null : obstacle(matrix, type);
      if (obstacle != null) {
        kept.put(node.name(), obstacle);
      } else if (matrix != null) {
        sources.put(node.name(), matrix);
        room += bytes(type, matrix);
      }
    }
    // One piece of memory, as small ones would not be had in large pages.
    MemorySegment copies = LazyMemory.allocateHuge(arena, room, "the quantised copy of " + graph.name());
    try (Team team = new Team(threads)) {
      Quantiser quantiser = new Quantiser(type, team);
      long taken = 0;
      long done = 0;
      for (Map.Entry<String, Matrix> source : sources.entrySet()) {
        Matrix matrix = source.getValue();
        long bytes = bytes(type, matrix);
        Matrix copy = quantiser.quantise(source.getKey(), matrix, quantisation, copies.asSlice(taken, bytes));
        changes.add(new Change(source.getKey(), matrix, copy));
        taken += bytes;
        done += matrix.bytes();
        progress.accept(source.getKey(), done);
      }
      quantiser.requireNoProblems(graph);
    }
    return new QuantisedWeights(weights, quantisation, changes, kept);
  }

  /** In whole lines of memory. */
  private static long bytes(DType type, Matrix matrix) {
    return Math.ceilDiv(RowEncoder.bytes(type, matrix.rows(), matrix.columns()), LINE) * LINE;
  }

  /** Parameters of the blocks that linear layers multiply by and nothing else reads, in the order of the graph. */
  public static List<Node> candidates(Graph graph) {
    Map<Node, Boolean> multiplies = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      for (int i = 0; i < node.inputs().size(); i++) {
        boolean weight = i == 1 && node.op() instanceof Op.Linear;
        multiplies.merge(node.inputs().get(i), weight, Boolean::logicalAnd);
      }
    }
    return graph.nodes().stream().filter(node -> node.name().startsWith("blocks.") && multiplies.getOrDefault(node, false)).toList();
  }

  private static String obstacle(Matrix matrix, DType type) {
    if (matrix.dtype().isQuantised()) {
      return "is stored as " + matrix.dtype();
    }
    int block = type.blockElements();
    return matrix.columns() % block == 0 ? null : "rows of " + matrix.columns() + " are no multiple of " + block;
  }

  private Matrix quantise(String name, Matrix matrix, Quantisation quantisation, MemorySegment out) {
    AtomicLong bad = new AtomicLong(ALL_FIT);
    int parts = Math.ceilDiv(matrix.rows(), RowReader.ROWS);
    team.run(parts, (part, worker) -> {
      long first = encode(matrix, part * RowReader.ROWS, out);
      bad.accumulateAndGet(first, Math::min);
    });
    if (bad.get() != ALL_FIT) {
      problems.add(name + "  " + problem(matrix, bad.get(), quantisation));
    }
    return RowEncoder.matrix(type, matrix.rows(), matrix.columns(), out);
  }

  /** The index of the first element among some rows that has no quantised value, or {@link #ALL_FIT}. */
  private long encode(Matrix matrix, int from, MemorySegment out) {
    float[] row = new float[matrix.columns()];
    float largest = RowEncoder.largest(type);
    try (Arena own = Arena.ofConfined()) {
      RowReader reader = new RowReader(matrix, own);
      int count = Math.min(RowReader.ROWS, matrix.rows() - from);
      reader.read(from, count);
      for (int r = 0; r < count; r++) {
        reader.take(r, row);
        for (int c = 0; c < row.length; c++) {
          if (!(Math.abs(row[c]) <= largest)) {
            return (long) (from + r) * row.length + c;
          }
        }
        RowEncoder.encode(type, row, out, from + r);
      }
    }
    return ALL_FIT;
  }

  private String problem(Matrix matrix, long element, Quantisation quantisation) {
    int row = (int) (element / matrix.columns());
    int column = (int) (element % matrix.columns());
    float[] values = new float[matrix.columns()];
    try (Arena own = Arena.ofConfined()) {
      RowReader reader = new RowReader(matrix, own);
      reader.read(row, 1);
      reader.take(0, values);
    }
    return "element [" + row + ", " + column + "] is " + values[column] + ", but " + quantisation + " holds numbers up to "
        + RowEncoder.largest(type);
  }

  private void requireNoProblems(Graph graph) {
    if (!problems.isEmpty()) {
      String count = problems.size() == 1 ? "1 weight" : problems.size() + " weights";
      throw new IllegalArgumentException(
          graph.name() + ": " + count + " cannot be quantised; is the checkpoint damaged?\n  " + String.join("\n  ", problems));
    }
  }
}
