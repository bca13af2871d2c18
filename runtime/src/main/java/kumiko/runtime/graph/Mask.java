package kumiko.runtime.graph;

/** Which keys a query may see, counted in key positions of its own sequence. */
public sealed interface Mask {
  /** Query i sees keys 0..i. */
  record Causal() implements Mask {}

  /** Queries before the start position see every key before it; from there on the mask is causal. The positions say where it is. */
  record PrefixCausal() implements Mask {}

  /** Query i sees keys {@code i - size + 1 .. i}. */
  record Window(int size) implements Mask {}
}
