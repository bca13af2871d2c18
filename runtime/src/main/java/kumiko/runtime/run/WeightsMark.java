package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.kernel.Kernels;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;

/**
 * What tells the weights of a program from others of the same graph.
 *
 * @param types the types they are stored in, sorted, and how they were quantised: {@code F32, Q8_0 (q8_0)}
 * @param sample a hash of every vector and of the first and last row of every matrix, as the kernels read them: where they lie in a file
 *     does not matter, and a large model is not read for it
 */
record WeightsMark(String types, String sample) {
  static WeightsMark of(Program program) {
    List<Node> parameters = program.graph()
        .nodes()
        .stream()
        .filter(node -> node.op() instanceof Op.Parameter)
        .sorted(Comparator.comparing(Node::name))
        .toList();
    String types = parameters.stream().map(node -> program.weights().matrix(node).dtype().toString()).distinct().sorted()
        .collect(Collectors.joining(", "));
    String how = program.quantisation() instanceof Quantisation.None ? "" : " (" + program.quantisation() + ")";
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (Node parameter : parameters) {
        digest.update(parameter.name().getBytes(StandardCharsets.UTF_8));
        boolean vector = parameter.type().extents().size() == 1;
        Matrix stored = program.weights().matrix(parameter);
        digest.update(ends(vector ? stored.transpose() : stored, program.kernels()));
      }
      return new WeightsMark(types + how, HexFormat.of().formatHex(digest.digest()));
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException("every JDK has SHA-256", missing);
    }
  }

  private static byte[] ends(Matrix matrix, Kernels kernels) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ids = arena.allocateFrom(ValueLayout.JAVA_INT, 0, matrix.rows() - 1);
      MemorySegment out = arena.allocate(kernels.activations().bytes(2L * matrix.columns()), 64);
      kernels.embed(matrix, ids, new Rows(out, matrix.columns()), 0, 2);
      return out.toArray(ValueLayout.JAVA_BYTE);
    }
  }
}
