package kumiko.dsl.compare

import kumiko.runtime.tensor.DType

/**
 * The fastest a machine can be: it can neither read more than [bytesPerSecond] nor compute more than [flopsPerSecond], both measured on
 * it. Williams et al. 2009, "Roofline: an insightful visual performance model".
 */
public data class Roofline(public val bytesPerSecond: Double, public val flopsPerSecond: Double) {
    init {
        require(bytesPerSecond > 0 && flopsPerSecond > 0) { "a machine reads and computes, but the limits given are $this" }
    }

    /** What holds a call back. */
    public enum class Bound { MEMORY, ARITHMETIC }

    /** The least time of a call, and what decides it. */
    public data class Estimate(public val seconds: Double, public val tokensPerSecond: Double, public val bound: Bound)

    /** One token behind [past] others: every weight and the whole cache are read once. */
    public fun decode(account: Account, past: Long, weights: DType, cache: DType): Estimate = estimate(account, 1, past, weights, cache)

    /** A prompt of [seq] tokens in one call. */
    public fun prefill(account: Account, seq: Long, weights: DType, cache: DType): Estimate = estimate(account, seq, 0, weights, cache)

    private fun estimate(account: Account, seq: Long, past: Long, weights: DType, cache: DType): Estimate {
        val bytes = account.weightBytesRead(seq, weights) + (past + seq) * account.cacheBytesPerToken(cache)
        val reading = bytes / bytesPerSecond
        val computing = account.flops(seq, past) / flopsPerSecond
        val seconds = maxOf(reading, computing)
        return Estimate(seconds, seq / seconds, if (reading >= computing) Bound.MEMORY else Bound.ARITHMETIC)
    }
}
