package kumiko.runtime.graph;

/** What a graph is given from outside at every call; a session fills it. */
public sealed interface Source {
  /** Token ids, {@code [seq]} i32. */
  record Tokens() implements Source {}

  /** Position numbers, {@code [seq]} i32. Axis 0 is the position, axis 1 the block position of {@link Positions.Blocks}. */
  record Position(int axis) implements Source {}

  /** For every row the first visible key and the end of the visible keys, {@code [seq, 2]} i32. */
  record Visible(Mask mask) implements Source {}

  /** The keys or the values of one attention layer so far, {@code [kvHeads, keys, headDim]}. */
  record Cache(int kvHeads, int headDim) implements Source {}
}
