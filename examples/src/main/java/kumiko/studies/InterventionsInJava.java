package kumiko.studies;

import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import kumiko.runtime.graph.Graph;
import kumiko.runtime.kernel.KernelProvider;
import kumiko.runtime.run.NodeValue;
import kumiko.runtime.run.Options;
import kumiko.runtime.run.Program;
import kumiko.runtime.run.Session;
import kumiko.runtime.run.Weights;
import kumiko.runtime.tensor.Elements;

/** {@link Interventions} as they are written in Java: activation patching, ablation and the logit lens. */
public final class InterventionsInJava {
  private final Graph graph;
  private final Weights weights;

  public InterventionsInJava(Graph graph, Weights weights) {
    this.graph = graph;
    this.weights = weights;
  }

  /** The logits for {@code corrupted} when {@code node} has the value that it has for {@code clean}, a prompt of as many tokens. */
  public double[] patched(String node, int[] clean, int[] corrupted) {
    AtomicReference<double[]> kept = new AtomicReference<>();
    run(clean, value -> kept.set(elements(value)), node);
    return run(corrupted, value -> overwrite(value, kept.get()), node);
  }

  /** The logits when one attention head of a block adds nothing. */
  public double[] ablated(int block, int head, int headDim, int[] prompt) {
    return run(
        prompt,
        value -> {
          long width = value.shape().dim(1);
          for (long row = 0; row < value.shape().dim(0); row++) {
            for (int column = 0; column < headDim; column++) {
              value.set(row * width + (long) head * headDim + column, 0);
            }
          }
        },
        "blocks." + block + ".attention.mixed");
  }

  /** What the head makes of the rows behind {@code block}. */
  public double[] lens(int block, int[] prompt) {
    List<String> blocks = graph.nodes().stream().map(node -> node.name()).filter(name -> name.matches("blocks\\.[0-9]+")).toList();
    String last = blocks.getLast();
    String looked = "blocks." + block;
    AtomicReference<double[]> rows = new AtomicReference<>();
    return run(
        prompt,
        value -> {
          if (value.node().equals(looked)) {
            rows.set(elements(value));
          }
          overwrite(value, rows.get());
        },
        looked,
        last);
  }

  /** The logits of the last position while {@code editor} sees, and may overwrite, the values of {@code nodes}. */
  public double[] run(int[] prompt, Consumer<NodeValue> editor, String... nodes) {
    Options options = Options.of(KernelProvider.kernels()).replace(nodes);
    try (Program program = Program.compile(graph, weights, options); Session session = program.open(1, prompt.length)) {
      session.onReplace(editor);
      session.prefill(0, prompt);
      return IntStream.range(0, program.vocab()).mapToDouble(i -> Elements.get(program.activations(), session.logits(0), i)).toArray();
    }
  }

  private static double[] elements(NodeValue value) {
    return IntStream.range(0, Math.toIntExact(value.shape().elements())).mapToDouble(value::get).toArray();
  }

  private static void overwrite(NodeValue value, double[] elements) {
    for (int i = 0; i < elements.length; i++) {
      value.set(i, elements[i]);
    }
  }
}
