package kumiko.cli.bench

import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.tensor.DType

/** The weight of a linear layer from [inputs] numbers a row to [outputs]. */
internal data class MatrixSize(val inputs: Int, val outputs: Int) {
    val elements: Long get() = inputs.toLong() * outputs

    override fun toString(): String = "$inputs x $outputs"
}

/**
 * One linear layer to measure: [rows] rows of activations by a weight of [size], stored in [dtype].
 *
 * @property arithmetic in which numbers they are multiplied
 */
internal data class LinearCase(val size: MatrixSize, val dtype: DType, val arithmetic: Arithmetic, val rows: Int) {
    /** Bytes of the weight as it is stored. */
    val bytes: Long get() = dtype.bytes(size.elements)

    /** A multiplication and an addition for each weight and row. */
    val flops: Long get() = 2 * size.elements * rows

    /**
     * Equal weights, each at a place of its own, that a round multiplies by in turn: together more than caches hold, so that each is read
     * from memory. Many rows need fewer, because they read a weight slowly wherever it lies; small matrices stay below what a
     * program has of layers, and may fit a cache.
     */
    val copies: Int
        get() {
            val cold = Math.ceilDiv(COLD_BYTES, bytes)
            val enough = maxOf(2, ENOUGH_FLOPS / flops)
            return minOf(cold, enough, MOST_COPIES).toInt()
        }

    private companion object {
        const val COLD_BYTES = 1L shl 29
        const val ENOUGH_FLOPS = 40_000_000_000
        const val MOST_COPIES = 512L
    }
}
