package kumiko.runtime.machine;

/**
 * Products of bf16 with bf16, summed in float32.
 *
 * @param moves brings activations into panels and results out of tiles
 * @param product of panels
 * @param dots of one row with weights as they are stored
 * @param eights of few rows with weights as they are stored
 * @param rounding of activations
 * @param parts of activations that are not rounded, for tiles; null where there are none
 * @param weightParts of weights in panels for tiles, or null likewise
 * @param widening brings weights in blocks into panels
 * @param attention between the products of attention of many queries
 */
public record PairProducts(PanelMoves moves, PanelProduct product, BfloatDots dots, Eights eights, RowRounding rounding,
    RowParts parts, WeightParts weightParts, BlockWidening widening, PairAttention attention) {}
