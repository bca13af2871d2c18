package kumiko.runtime.run;

import java.util.List;
import kumiko.runtime.graph.Cost;
import kumiko.runtime.graph.Cost.Pairs;
import kumiko.runtime.graph.Mask;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.graph.Source;
import kumiko.runtime.kernel.Arithmetic;
import kumiko.runtime.kernel.Kernels;

/**
 * What a call cannot do without, as its program runs it: the rows that no logits ask for are not counted, weights are counted as they
 * are stored and once, however many rows share them.
 *
 * @param flops floating point operations, as {@link Cost} counts them; of query-key pairs only the visible ones
 * @param bf16Flops those of them that are computed in bf16: {@link Arithmetic#isBfloat}
 * @param weightBytes bytes of weights read
 * @param cacheBytes bytes of keys and values read
 */
public record Work(long flops, long bf16Flops, long weightBytes, long cacheBytes) {
  /** Of {@code sequences} sequences that each get {@code rows} new rows behind {@code past} positions; logits of the last row only. */
  static Work of(Plan plan, BoundWeights weights, Kernels kernels, int sequences, int rows, int past) {
    long flops = 0;
    long bf16Flops = 0;
    long weightBytes = 0;
    long cacheBytes = 0;
    for (Value value : plan.values) {
      if (value.gatheredFrom == null) {
        Node node = value.node;
        long own = sequences * Cost.flops(node, value.picked ? 1 : rows, past, pairs(node));
        flops += own;
        bf16Flops += isBfloat(node, weights, kernels.arithmetic(), sequences, value.picked ? 1 : rows) ? own : 0;
        weightBytes += weightBytes(node, weights, (long) sequences * rows);
        cacheBytes += sequences * kernels.activations().bytes(cacheElements(node, rows, past));
      }
    }
    return new Work(flops, bf16Flops, weightBytes, cacheBytes);
  }

  private static boolean isBfloat(Node node, BoundWeights weights, Arithmetic arithmetic, int sequences, int rows) {
    return switch (node.op()) {
      case Op.Linear() -> arithmetic.isBfloat(weights.matrix(node.inputs().get(1)).dtype(), (long) sequences * rows);
      case Op.LinearAdd _ -> arithmetic.isBfloat(weights.matrix(node.inputs().get(2)).dtype(), (long) sequences * rows);
      case Op.Attention _ -> arithmetic.isBfloat(rows);
      default -> false;
    };
  }

  private static long weightBytes(Node node, BoundWeights weights, long rows) {
    if (node.op() instanceof Op.Embedding) {
      return rows * weights.matrix(node.inputs().getFirst()).dtype().bytes(node.type().width());
    }
    return node.inputs().stream()
        .filter(input -> input.op() instanceof Op.Parameter)
        .mapToLong(input -> weights.matrix(input).dtype().bytes(Cost.parameterElements(input)))
        .sum();
  }

  private static long cacheElements(Node node, int rows, int past) {
    long keys = rows == 1 ? pairs(node).count(1, past) : (long) past + rows;
    return switch (node.op()) {
      case Op.Scores op -> keys * op.kvHeads() * op.headDim();
      case Op.Mix op -> keys * op.kvHeads() * op.headDim();
      case Op.Attention op -> 2 * keys * op.kvHeads() * op.headDim();
      default -> 0;
    };
  }

  private static Pairs pairs(Node node) {
    List<Node> inputs = node.inputs();
    return !inputs.isEmpty() && inputs.getLast().op() instanceof Op.Input(Source.Visible(Mask mask)) ? Pairs.of(mask) : Pairs.CAUSAL;
  }
}
