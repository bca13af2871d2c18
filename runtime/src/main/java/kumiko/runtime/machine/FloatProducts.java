package kumiko.runtime.machine;

/**
 * Products in float32.
 *
 * @param stored of one row with weights as they are stored
 */
public record FloatProducts(StoredProduct stored) {}
