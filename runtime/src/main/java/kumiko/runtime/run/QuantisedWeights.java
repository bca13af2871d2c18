package kumiko.runtime.run;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import kumiko.runtime.tensor.Matrix;

/**
 * Weights of which some are kept in a quantised copy; the others are those of the source.
 *
 * @param changes the quantised parameters, in the order of the graph
 * @param kept why linear layers of the blocks stayed as they are, by parameter
 */
public record QuantisedWeights(
    Weights source, Quantisation quantisation, List<Change> changes, Map<String, String> kept, Map<String, Matrix> replaced)
    implements
      Weights {

  /** One parameter before and after. */
  public record Change(String parameter, Matrix before, Matrix after) {}

  QuantisedWeights(Weights source, Quantisation quantisation, List<Change> changes, Map<String, String> kept) {
    this(source, quantisation, List.copyOf(changes), kept, changes.stream().collect(Collectors.toMap(Change::parameter, Change::after)));
  }

  @Override
  public Matrix get(String name) {
    Matrix own = replaced.get(name);
    return own == null ? source.get(name) : own;
  }
}
