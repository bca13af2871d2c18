package kumiko.runtime.machine;

/**
 * Products in float32, and what stands between them.
 *
 * @param stored of few rows with weights as they are stored
 * @param dots of one row with bf16 weights; null where those of {@code stored} are quicker
 * @param blocks of few rows with weights in blocks; null where the processor has not what they need
 * @param roughBlocks the same with fewer bits of the rows, more than bf16 has; null likewise
 * @param widening brings weights in blocks into panels
 * @param moves brings rows into panels and results out of tiles
 * @param product of panels of float32
 * @param attention between and after the products of attention of many queries
 * @param group attention of few queries
 * @param bfloatGroup the same with keys and values of bf16
 * @param rows what is done with single rows
 */
public record FloatProducts(StoredProduct stored, BfloatDots dots, BlockProduct blocks, BlockProduct roughBlocks, BlockWidening widening,
    PanelMoves moves, PanelProduct product, PanelAttention attention, GroupAttention group, GroupAttention bfloatGroup,
    RowFunctions rows) {}
