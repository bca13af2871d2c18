package kumiko.runtime.machine;

/**
 * Products in float32.
 *
 * @param stored of few rows with weights as they are stored
 * @param moves brings rows into panels and results out of tiles
 * @param product of panels of float32
 * @param attention between and after the products of attention
 */
public record FloatProducts(StoredProduct stored, PanelMoves moves, PanelProduct product, PanelAttention attention) {}
