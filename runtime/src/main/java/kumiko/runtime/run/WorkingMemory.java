package kumiko.runtime.run;

import kumiko.runtime.graph.Graph;
import kumiko.runtime.tensor.DType;

/** What a call needs to keep its values in, weights and caches apart, known before anything is compiled or run. */
public final class WorkingMemory {
  private WorkingMemory() {}

  /**
   * Bytes of float32 values that a call for one sequence writes. Values share memory that they need one after another; what stands behind
   * the last attention is computed for the last row only. Scratch of the threads is not counted.
   *
   * @param graph as it runs, after the passes
   * @param rows of the call
   * @param keys positions of the sequence, those of the call included
   */
  public static long bytes(Graph graph, long rows, long keys) {
    long elements = 0;
    for (Value.Buffer buffer : Plan.of(graph, node -> false).buffers) {
      elements += buffer.width * (buffer.picked ? 1 : rows) * (buffer.perKey ? keys : 1);
    }
    return DType.F32.bytes(elements);
  }
}
