package kumiko.runtime.run;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import kumiko.runtime.graph.Graph;
import kumiko.runtime.graph.Mask;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.graph.Positions;
import kumiko.runtime.graph.Source;
import kumiko.runtime.graph.Type.Extent;

/**
 * What a graph lets a session do, read from its nodes.
 *
 * @param vocab token ids are below this
 * @param positionTables the table that looks up positions of an axis; an axis without one has no end
 * @param prefix keys of a tuned prefix in front of every sequence
 */
record Limits(String model, long vocab, Map<Integer, Node> positionTables, int prefix, Positions positions, List<Mask> masks,
    List<String> problems) {

  static Limits of(Graph graph) {
    long vocab = Long.MAX_VALUE;
    Map<Integer, Node> tables = new HashMap<>();
    List<Mask> masks = new ArrayList<>();
    Set<Integer> prefixes = new HashSet<>();
    List<String> problems = new ArrayList<>();
    for (Node node : graph.nodes()) {
      switch (node.op()) {
        case Op.Embedding() -> {
          Node table = node.inputs().get(0);
          if (node.inputs().get(1).op() instanceof Op.Input(Source source)) {
            if (source instanceof Source.Tokens) {
              vocab = Math.min(vocab, rows(table));
            } else if (source instanceof Source.Position(int axis)) {
              tables.merge(axis, table, (a, b) -> rows(a) <= rows(b) ? a : b);
            }
          }
        }
        case Op.Input(Source.Visible(Mask mask)) -> masks.add(mask);
        case Op.Append op -> prefixes.add(node.inputs().size() == 3 ? (int) rows(node.inputs().get(2)) : 0);
        default -> {
        }
      }
    }
    int prefix = prefixes.stream().mapToInt(n -> n).max().orElse(0);
    Limits limits = new Limits(graph.name(), vocab, tables, prefix, graph.positions(), masks, problems);
    limits.check(graph, prefixes);
    return limits;
  }

  private void check(Graph graph, Set<Integer> prefixes) {
    boolean blocks = positions instanceof Positions.Blocks;
    if (prefixes.size() > 1) {
      problems.add("layers have tuned prefixes of different lengths " + prefixes + "; all must have the same");
    }
    if (!blocks && wholeFront()) {
      problems.add("a prefix-causal mask needs positions that say where the prefix ends, but they are sequential");
    }
    if (prefix > 0 && masks.stream().anyMatch(mask -> mask instanceof Mask.Window)) {
      problems.add("a tuned prefix of " + prefix + " keys is seen by every row, which a window mask forbids");
    }
    for (Node node : graph.nodes()) {
      if (!blocks && node.op() instanceof Op.Input(Source.Position(int axis)) && axis > 0) {
        problems.add("node " + node.name() + " asks for block positions, but the positions are sequential");
      }
    }
  }

  private static long rows(Node table) {
    return table.type().extents().getFirst() instanceof Extent.Size(long n) ? n : 0;
  }

  /** Whether the front of a prompt sees itself whole and so cannot be computed in pieces. */
  boolean wholeFront() {
    return masks.stream().anyMatch(mask -> mask instanceof Mask.PrefixCausal);
  }

  void checkPrompt(int slot, int[] ids) {
    if (ids.length == 0) {
      throw new IllegalArgumentException(model + ": the prompt of slot " + slot + " is empty; it needs at least 1 token");
    }
  }

  void checkToken(int slot, int index, int token) {
    if (token < 0 || token >= vocab) {
      throw new IllegalArgumentException(
          model + ": token id " + token + " at position " + index + " of slot " + slot + " is outside the vocabulary of " + vocab
              + " ids (0 to " + (vocab - 1) + "); was the text encoded with another model's tokenizer?");
    }
  }

  void checkPosition(int slot, int axis, int position) {
    Node table = positionTables.get(axis);
    if (table != null && position >= rows(table)) {
      throw new IllegalArgumentException(
          model + ": slot " + slot + " reaches position " + position + ", but " + table.name() + " has " + rows(table)
              + " learned positions (0 to " + (rows(table) - 1) + "); shorten the prompt or generate fewer tokens");
    }
  }

  void checkCapacity(int slot, int length, int added, int capacity) {
    if ((long) length + added > capacity) {
      throw new IllegalArgumentException(
          model + ": slot " + slot + " holds " + length + " tokens and cannot take " + added + " more, its capacity is " + capacity
              + "; open the session with a capacity of at least " + ((long) length + added));
    }
  }
}
