package kumiko.runtime.run;

import java.util.List;
import kumiko.runtime.graph.Cost;
import kumiko.runtime.graph.Cost.Pairs;
import kumiko.runtime.graph.Mask;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.graph.Source;
import kumiko.runtime.kernel.Kernels;

/**
 * What a call cannot do without, as its program runs it: the rows that no logits ask for are not counted, weights are counted as they
 * are stored and once, however many rows share them.
 *
 * @param flops floating point operations, as {@link Cost} counts them; of query-key pairs only the visible ones
 * @param f32Flops those of them that are computed in float32, or wider
 * @param bf16Flops operations of bf16 that compute the others: as many, or {@link Kernels#bf16Products} times as many
 * @param weightBytes bytes of weights read
 * @param cacheBytes bytes of keys and values read
 */
public record Work(long flops, long f32Flops, long bf16Flops, long weightBytes, long cacheBytes) {
  /** Of {@code sequences} sequences that each get {@code rows} new rows behind {@code past} positions; logits of the last row only. */
  static Work of(Plan plan, BoundWeights weights, Kernels kernels, int sequences, int rows, int past) {
    long flops = 0;
    long f32Flops = 0;
    long bf16Flops = 0;
    long weightBytes = 0;
    long cacheBytes = 0;
    for (Value value : plan.values) {
      if (value.gatheredFrom == null) {
        Node node = value.node;
        long own = sequences * Cost.flops(node, value.picked ? 1 : rows, past, pairs(node));
        flops += own;
        int products = bf16Products(node, weights, kernels, sequences, value.picked ? 1 : rows);
        f32Flops += products == 0 ? own : 0;
        bf16Flops += products * own;
        weightBytes += weightBytes(node, weights, (long) sequences * rows);
        cacheBytes += sequences * kernels.cacheType().bytes(cacheElements(node, rows, past));
      }
    }
    return new Work(flops, f32Flops, bf16Flops, weightBytes, cacheBytes);
  }

  private static int bf16Products(Node node, BoundWeights weights, Kernels kernels, int sequences, int rows) {
    int all = (int) Math.min(Integer.MAX_VALUE, (long) sequences * rows);
    return switch (node.op()) {
      case Op.Linear() -> kernels.bf16Products(weights.matrix(node.inputs().get(1)), all);
      case Op.LinearAdd _ -> kernels.bf16Products(weights.matrix(node.inputs().get(2)), all);
      case Op.Attention _ -> kernels.arithmetic().isBfloat(rows) ? 1 : 0;
      default -> 0;
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
