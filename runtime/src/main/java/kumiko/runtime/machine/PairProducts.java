package kumiko.runtime.machine;

/**
 * Products of bf16 with bf16, summed in float32.
 *
 * @param moves brings activations into panels and results out of tiles
 */
public record PairProducts(PanelMoves moves, PanelProduct product) {}
