package kumiko.runtime.graph;

/** How the position numbers of a sequence follow from its tokens. */
public sealed interface Positions {
  /** 0, 1, 2, ... */
  record Sequential() implements Positions {}

  /**
   * GLM's two-dimensional positions (Du et al. 2022, section 2.1; THUDM/chatglm-6b, modeling_chatglm.py, get_position_ids). Let c be
   * the index of {@code start} in the prompt: before c the position is the index and the block position 0; from c on the position is
   * the index of the blank ({@code generation} where the prompt has it, else {@code blank}) and the block position counts 1, 2, ...
   */
  record Blocks(int blank, int generation, int start) implements Positions {}
}
