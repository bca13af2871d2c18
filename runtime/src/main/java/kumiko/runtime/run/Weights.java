package kumiko.runtime.run;

import kumiko.runtime.tensor.Matrix;

/** Where a program gets its parameters from: a loaded checkpoint, or anything else that knows them by canonical name. */
@FunctionalInterface
public interface Weights {
  /** The parameter, {@code [out, in]} or, for a vector, {@code n x 1}; null when there is none of this name. */
  Matrix get(String name);

  /** How the weights of linear layers are kept, which says how activations meet them. */
  default Quantisation quantisation() {
    return new Quantisation.None();
  }
}
