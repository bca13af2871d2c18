package kumiko.runtime.graph;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * A change of a graph that does not change what it computes. Each is a pure function and each can be left out; a node that is kept
 * (because somebody looks at it or changes it) is never fused away.
 */
public enum Pass {
  /** Nodes that neither the output nor a kept node needs are left out. */
  REMOVE_DEAD {
    @Override
    Graph rewrite(Graph graph, Predicate<Node> kept) {
      Set<Node> live = new HashSet<>();
      List<Node> backwards = graph.nodes().reversed();
      for (Node node : backwards) {
        if (node.equals(graph.output()) || kept.test(node) || live.contains(node)) {
          live.add(node);
          live.addAll(node.inputs());
        }
      }
      Rewrite rewrite = new Rewrite(graph);
      graph.nodes().stream().filter(node -> !live.contains(node)).forEach(rewrite::drop);
      return rewrite.done();
    }
  },

  /** {@link Op.Scores}, {@link Op.Softmax} and {@link Op.Mix} become one {@link Op.Attention}. */
  FUSE_ATTENTION {
    @Override
    Graph rewrite(Graph graph, Predicate<Node> kept) {
      Rewrite rewrite = new Rewrite(graph);
      for (Node node : graph.nodes()) {
        if (node.op() instanceof Op.Mix mix) {
          fuse(rewrite, kept, node, mix);
        }
      }
      return rewrite.done();
    }

    private void fuse(Rewrite rewrite, Predicate<Node> kept, Node node, Op.Mix mix) {
      Node soft = node.inputs().getFirst();
      if (!(soft.op() instanceof Op.Softmax(double scale, double fill)) || !free(rewrite, kept, soft)) {
        return;
      }
      Node scores = soft.inputs().getFirst();
      if (scores.op() instanceof Op.Scores(int heads, int kvHeads, int headDim, double scoreScale)
          && mix.heads() == heads
          && mix.kvHeads() == kvHeads
          && mix.headDim() == headDim
          && free(rewrite, kept, scores)) {
        Op op = new Op.Attention(heads, kvHeads, headDim, scoreScale, scale, fill);
        List<Node> inputs = List.of(scores.inputs().get(0), scores.inputs().get(1), node.inputs().get(1), soft.inputs().get(1));
        rewrite.replace(node, op, inputs, soft, scores);
      }
    }
  },

  /** {@link Op.Multiply} by an {@link Op.Activate} becomes one {@link Op.Gated}. */
  FUSE_GATED {
    @Override
    Graph rewrite(Graph graph, Predicate<Node> kept) {
      Rewrite rewrite = new Rewrite(graph);
      for (Node node : graph.nodes()) {
        if (!(node.op() instanceof Op.Multiply)) {
          continue;
        }
        for (int side = 0; side < 2; side++) {
          Node active = node.inputs().get(side);
          if (active.op() instanceof Op.Activate(Activation function) && free(rewrite, kept, active)) {
            List<Node> inputs = List.of(active.inputs().getFirst(), node.inputs().get(1 - side));
            rewrite.replace(node, new Op.Gated(function), inputs, active);
            break;
          }
        }
      }
      return rewrite.done();
    }
  },

  /** {@link Op.Add} of an {@link Op.Linear} becomes one {@link Op.LinearAdd}: the product is added where the residual lies. */
  FUSE_RESIDUAL {
    @Override
    Graph rewrite(Graph graph, Predicate<Node> kept) {
      Rewrite rewrite = new Rewrite(graph);
      for (Node node : graph.nodes()) {
        if (!(node.op() instanceof Op.Add(double scale))) {
          continue;
        }
        Node first = node.inputs().get(0);
        Node second = node.inputs().get(1);
        if (second.op() instanceof Op.Linear && free(rewrite, kept, second)) {
          rewrite.replace(node, new Op.LinearAdd(scale), joined(first, second.inputs()), second);
        } else if (scale == 1 && first.op() instanceof Op.Linear && free(rewrite, kept, first)) {
          rewrite.replace(node, new Op.LinearAdd(1), joined(second, first.inputs()), first);
        }
      }
      return rewrite.done();
    }
  };

  abstract Graph rewrite(Graph graph, Predicate<Node> kept);

  /** The same computation, rewritten. */
  public final Graph apply(Graph graph, Predicate<Node> kept) {
    return rewrite(graph, kept);
  }

  /** The chosen passes in their own order. */
  public static Graph applyAll(Graph graph, Set<Pass> passes, Predicate<Node> kept) {
    Graph result = graph;
    for (Pass pass : passes.isEmpty() ? EnumSet.noneOf(Pass.class) : EnumSet.copyOf(passes)) {
      result = pass.apply(result, kept);
    }
    return result;
  }

  private static boolean free(Rewrite rewrite, Predicate<Node> kept, Node node) {
    return !kept.test(node) && rewrite.usedOnce(node) && !rewrite.isAbsorbed(node);
  }

  private static List<Node> joined(Node first, List<Node> rest) {
    List<Node> all = new ArrayList<>(rest.size() + 1);
    all.add(first);
    all.addAll(rest);
    return all;
  }
}
