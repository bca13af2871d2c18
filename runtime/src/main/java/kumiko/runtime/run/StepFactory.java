package kumiko.runtime.run;

import java.lang.foreign.MemorySegment;
import java.util.List;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.kernel.Kernels;
import kumiko.runtime.run.AttentionSteps.ScoreRows;
import kumiko.runtime.run.RowSteps.ByElements;
import kumiko.runtime.run.RowSteps.ByRows;
import kumiko.runtime.run.RowSteps.ElementKernel;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;

/** Turns each value of a plan into the step that computes it in the memory of one session. */
final class StepFactory {
  /** Columns that no two threads share: a cache line of the output, and the rows a kernel likes to take together. */
  private static final int COLUMNS = 32;

  private final Workspace work;
  private final BoundWeights weights;
  private final Kernels kernels;

  StepFactory(Workspace work, BoundWeights weights) {
    this.work = work;
    this.weights = weights;
    this.kernels = work.kernels;
  }

  /** Null for what needs no work: sources and views. */
  Step step(Value value) {
    if (value.isSource() || value.viewOf != null) {
      return null;
    }
    if (value.gatheredFrom != null) {
      return new GatherStep(work.rows(value.gatheredFrom), work.rows(value), work.elementBytes(value));
    }
    return switch (value.node.op()) {
      case Op.Input(var source) -> null;
      case Op.Parameter() -> null;
      case Op.Embedding() -> embedding(value);
      case Op.Linear() -> linear(value, 0, 1);
      case Op.LinearAdd(double scale) -> linear(value, 1, scale);
      case Op.LayerNorm(double eps) -> layerNorm(value, eps);
      case Op.RmsNorm(double eps, double offset) -> rmsNorm(value, eps, offset);
      case Op.Activate(var function) -> elements(value, 8, (a, b, y, from, to) -> kernels.activate(function, a, y, from, to));
      case Op.Scale(double factor) -> elements(value, 1, (a, b, y, from, to) -> kernels.scale(a, factor, y, from, to));
      case Op.RoundInt8(double threshold) -> roundInt8(value, threshold);
      case Op.Add(double scale) -> elements(value, 2, (a, b, y, from, to) -> kernels.add(scale, a, b, y, from, to));
      case Op.Multiply() -> elements(value, 1, kernels::multiply);
      case Op.Gated(var function) -> elements(value, 8, (a, b, y, from, to) -> kernels.gated(function, a, b, y, from, to));
      case Op.Slice(int from, int width) -> slice(value, from, width);
      case Op.Angles(var frequencies) -> angles(value, frequencies.values());
      case Op.Rotate op -> rotate(value, op);
      case Op.Append(int kvHeads, int headDim) ->
        new AttentionSteps.Append(kernels, work.rows(value.inputs.get(1)), work.cache(value));
      case Op.Scores op ->
        new AttentionSteps.Scores(kernels, op, heads(value, 0, op.heads(), op.headDim()), work.cache(value.inputs.get(1)), scores(value));
      case Op.Softmax op ->
        new AttentionSteps.Softmax(kernels, op, scores(value.inputs.get(0)), work.integers(value.inputs.get(1)), scores(value));
      case Op.Mix op ->
        new AttentionSteps.Mix(
            kernels, op, scores(value.inputs.get(0)), work.cache(value.inputs.get(1)), work.heads(value, op.heads(), op.headDim()));
      case Op.Attention op -> attention(value, op);
    };
  }

  private Step embedding(Value value) {
    Matrix table = weights.matrix(value.node.inputs().getFirst());
    MemorySegment ids = work.integers(value.inputs.getFirst());
    Rows y = work.rows(value);
    return new ByRows((from, to) -> kernels.embed(table, ids, y, from, to), value.picked, y.width());
  }

  private Step linear(Value value, int first, double scale) {
    List<Node> inputs = value.node.inputs();
    Matrix weight = weights.matrix(inputs.get(first + 1));
    Rows bias = inputs.size() > first + 2 ? weights.rows(inputs.get(first + 2)) : null;
    Rows x = work.rows(value.inputs.get(first));
    MemorySegment prepared = work.preparations.of(value.inputs.get(first), x, weight, value.level);
    Parts residual = first == 0 ? null : work.parts(value.inputs.getFirst(), COLUMNS);
    boolean inPlace = first == 1 && value.inputs.getFirst().buffer == value.buffer;
    return new LinearStep(
        kernels, weight, bias, x, prepared, work.parts(value, COLUMNS), residual, scale, inPlace, value.picked,
        work.splitK(weight, x, value.level), work.scratch);
  }

  private Step layerNorm(Value value, double eps) {
    Rows x = work.rows(value.inputs.getFirst());
    Rows y = work.rows(value);
    Rows weight = vector(value.node, 1);
    Rows bias = vector(value.node, 2);
    return new ByRows((from, to) -> kernels.layerNorm(x, weight, bias, eps, y, from, to), value.picked, 8L * y.width());
  }

  private Step rmsNorm(Value value, double eps, double offset) {
    Rows x = work.rows(value.inputs.getFirst());
    Rows y = work.rows(value);
    Rows weight = vector(value.node, 1);
    return new ByRows((from, to) -> kernels.rmsNorm(x, weight, eps, offset, y, from, to), value.picked, 4L * y.width());
  }

  private Step roundInt8(Value value, double threshold) {
    Rows x = work.rows(value.inputs.getFirst());
    Rows y = work.rows(value);
    return new ByRows((from, to) -> kernels.roundInt8(x, threshold, y, from, to), value.picked, 4L * y.width());
  }

  private Rows vector(Node node, int index) {
    return index < node.inputs().size() ? weights.rows(node.inputs().get(index)) : null;
  }

  private Step elements(Value value, long perElement, ElementKernel kernel) {
    Parts a = work.parts(value.inputs.getFirst(), COLUMNS);
    Parts b = value.inputs.size() > 1 ? work.parts(value.inputs.get(1), COLUMNS) : null;
    Parts y = work.parts(value, COLUMNS);
    return new ByElements(kernel, a, b, false, y, value.picked, perElement * y.whole.width());
  }

  private Step slice(Value value, int from, int width) {
    Rows x = work.rows(value.inputs.getFirst()).columns(from, width);
    Rows y = work.rows(value);
    return new ByRows((begin, end) -> kernels.copy(x, y, begin, end), value.picked, width);
  }

  private Step angles(Value value, double[] frequencies) {
    MemorySegment positions = work.integers(value.inputs.getFirst());
    Rows y = work.rows(value);
    return new ByRows((from, to) -> kernels.angles(positions, frequencies, y, from, to), value.picked, 40L * y.width());
  }

  private Step rotate(Value value, Op.Rotate op) {
    ElementKernel kernel = (x, angles, y, from, to) -> kernels.rotate(x, angles, op.headDim(), op.first(), op.pairing(), y, from, to);
    Parts x = work.parts(value.inputs.get(0), op.headDim());
    Parts angles = work.parts(value.inputs.get(1), op.headDim());
    Parts y = work.parts(value, op.headDim());
    return new ByElements(kernel, x, angles, true, y, value.picked, 6L * y.whole.width());
  }

  private Heads heads(Value value, int input, int heads, int headDim) {
    return work.heads(value.inputs.get(input), heads, headDim);
  }

  private ScoreRows scores(Value value) {
    return new ScoreRows(work.memory(value), value.width());
  }

  private Step attention(Value value, Op.Attention op) {
    int together = AttentionSteps.together(op, work.threads);
    return new AttentionSteps.Fused(
        kernels,
        op,
        together,
        heads(value, 0, op.heads() / together, together * op.headDim()),
        work.cache(value.inputs.get(1)),
        work.cache(value.inputs.get(2)),
        work.integers(value.inputs.get(3)),
        work.heads(value, op.heads() / together, together * op.headDim()),
        work.scratch);
  }
}
