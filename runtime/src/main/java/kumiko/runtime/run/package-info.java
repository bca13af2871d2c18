/**
 * Running a graph.
 *
 * <pre>{@code
 * Options options = Options.of(KernelProvider.kernels()).withThreads(4);
 * try (Program program = Program.compile(graph, checkpoint::get, options);
 *     Session session = program.open(2, 1024)) {
 *   session.prefill(new int[][] {firstPrompt, secondPrompt});
 *   Sampler first = Sampler.of(0.8, 40, 0.95, 7);
 *   Sampler second = Sampler.greedy();
 *   for (int i = 0; i < 100; i++) {
 *     session.decode(new int[] {session.sample(0, first), session.sample(1, second)});
 *   }
 * }
 * }</pre>
 *
 * A {@link kumiko.runtime.run.Program} is a graph with its weights, checked and planned; a {@link kumiko.runtime.run.Session} holds
 * sequences that are being written. Three laws hold to rounding, and are tested as such: a sequence continued from its cache gets what
 * it would get from the beginning, a sequence in a batch gets what it gets alone, a prompt in pieces gets what it gets whole.
 *
 * <p>Values inside the graph are seen, or overwritten, by name:
 *
 * <pre>{@code
 * Program program = Program.compile(graph, weights, options.capture("blocks.*.attention.probabilities").replace("blocks.3"));
 * session.onCapture(value -> System.out.println(value.node() + " " + value.shape()));
 * session.onReplace(value -> value.set(0, 0.0));
 * }</pre>
 */
package kumiko.runtime.run;
