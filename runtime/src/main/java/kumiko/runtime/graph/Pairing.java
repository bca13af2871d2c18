package kumiko.runtime.graph;

/** Which two elements of a head rotary embedding turns together. */
public enum Pairing {
  /** Element j with element j + dims / 2 (GPT-NeoX, GLM, Hugging Face LLaMA). */
  HALVES,
  /** Element 2j with element 2j + 1 (Meta's LLaMA). */
  ADJACENT
}
