package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.graph.Graph;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.graph.Type.Extent;
import kumiko.runtime.kernel.Kernels;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Dense;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Widening;

/**
 * What is the same in every call: matrices as they are stored, vectors and tables of rows copied once into the activation type, and what
 * the graph computes from parameters alone.
 */
final class BoundWeights {
  private final Weights source;
  private final Options options;
  private final Arena arena;
  private final Map<Node, Matrix> matrices = new HashMap<>();
  private final Map<Node, Rows> copies = new HashMap<>();

  /** @throws IllegalArgumentException naming every parameter that is missing or does not fit, with both shapes */
  BoundWeights(Graph graph, Weights weights, Options options, Arena arena) {
    this.source = weights;
    this.options = options;
    this.arena = arena;
    List<String> problems = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.Parameter) {
        Matrix matrix = weights.get(node.name());
        String problem = problem(node, matrix);
        if (problem == null) {
          matrices.put(node, matrix);
        } else {
          problems.add(node.name() + "  " + problem);
        }
      }
    }
    if (!problems.isEmpty()) {
      String count = problems.size() == 1 ? "1 weight does" : problems.size() + " weights do";
      throw new IllegalArgumentException(graph.name() + ": " + count + " not fit\n  " + String.join("\n  ", problems));
    }
    for (Node node : graph.nodes()) {
      if (!node.type().isFixed()) {
        node.inputs().stream().filter(input -> input.type().isFixed() && !(input.op() instanceof Op.Parameter)).forEach(this::rows);
      }
    }
  }

  private static String problem(Node node, Matrix matrix) {
    if (matrix == null) {
      return "needs " + node.type() + ", but is missing";
    }
    List<Extent> extents = node.type().extents();
    long rows = extents.getFirst() instanceof Extent.Size(long n) ? n : -1;
    long columns = extents.size() == 1 ? 1 : node.type().width();
    if (matrix.rows() != rows || matrix.columns() != columns) {
      String found = extents.size() == 1 && matrix.columns() == 1
          ? "[" + matrix.rows() + "]"
          : "[" + matrix.rows() + ", " + matrix.columns() + "]";
      return "needs " + node.type() + ", but is " + found;
    }
    // Kernels read by address, which an array on the heap does not keep.
    if (!matrix.slabs().stream().allMatch(slab -> slab.data().isNative())) {
      return "needs memory outside the Java heap; copy the array into a segment of an arena";
    }
    return matrix.dtype().isFloating() ? null : "needs numbers with a fraction, but is " + matrix.dtype();
  }

  Matrix matrix(Node parameter) {
    return matrices.get(parameter);
  }

  /** A vector as one row, or the rows of a matrix, in the activation type. */
  Rows rows(Node fixed) {
    Rows known = copies.get(fixed);
    if (known == null) {
      known = switch (fixed.op()) {
        case Op.Parameter() -> copy(fixed);
        case Op.Slice(int from, int width) -> rows(fixed.inputs().getFirst()).columns(from, width);
        default -> Constants.compute(fixed, source, options.unobserved(), arena);
      };
      copies.put(fixed, known);
    }
    return known;
  }

  /** A vector as one row; one whose elements were reordered, as the biases of rotary heads, cannot be turned as a view. */
  private Matrix row(Matrix vector) {
    return (vector.isInterleaved() ? Dense.copy(vector, arena) : vector).transpose();
  }

  private Rows copy(Node parameter) {
    Matrix stored = matrices.get(parameter);
    Matrix table = parameter.type().extents().size() == 1 ? row(stored) : stored;
    Kernels kernels = options.kernels();
    Rows copy = new Rows(arena.allocate(kernels.activations().bytes((long) table.rows() * table.columns()), 64), table.columns());
    if (kernels.activations() == DType.F32 && Widening.takes(table)) {
      Widening.copy(table, copy.data());
    } else {
      embed(table, copy);
    }
    return copy;
  }

  private void embed(Matrix table, Rows copy) {
    MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, table.rows());
    for (int r = 0; r < table.rows(); r++) {
      ids.setAtIndex(ValueLayout.JAVA_INT, r, r);
    }
    options.kernels().embed(table, ids, copy, 0, table.rows());
  }
}
