package kumiko.cli.evaluate

import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout.JAVA_FLOAT
import kotlin.math.exp
import kotlin.math.ln

/** The logits of one position, `[vocab]` in float32, as the probabilities that they stand for. Sums are kept in float64. */
internal class Distribution(private val logits: MemorySegment) {
    val size: Int = (logits.byteSize() / Float.SIZE_BYTES).toInt()

    /** The most probable id, the lowest of several. */
    val top: Int

    private val logSum: Double

    init {
        var best = 0
        for (i in 1..<size) if (this[i] > this[best]) best = i
        top = best
        val most = this[best].toDouble()
        var sum = 0.0
        for (i in 0..<size) sum += exp(this[i] - most)
        logSum = most + ln(sum)
    }

    operator fun get(id: Int): Float = logits.getAtIndex(JAVA_FLOAT, id.toLong())

    /** ln p(id). */
    fun logProbability(id: Int): Double = this[id] - logSum

    /** KL(this || other) = sum of p ln(p / q), in nats; 0 where both are the same. */
    fun divergence(other: Distribution): Double {
        var sum = 0.0
        for (i in 0..<size) {
            val p = logProbability(i)
            if (p > Double.NEGATIVE_INFINITY) sum += exp(p) * (p - other.logProbability(i))
        }
        // What rounding takes below zero is zero.
        return if (sum < 0) 0.0 else sum
    }
}
