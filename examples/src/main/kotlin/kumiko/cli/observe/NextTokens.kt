package kumiko.cli.observe

import kumiko.cli.parity.TracedValue
import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.ln

/** A token that may come next; [probability] is its share in the softmax over the whole vocabulary. */
internal data class NextToken(val id: Int, val logit: Double, val probability: Double)

/** What may come behind each position, from [logits] `[rows, vocab]`. */
internal class NextTokens(private val logits: TracedValue) {
    val positions: Int = logits.shape.dim(0).toInt()
    val vocabulary: Int = logits.shape.dim(1).toInt()

    /** `ln sum exp(logit)` of each position. */
    private val norms = DoubleArray(positions) { position ->
        val largest = (0..<vocabulary).maxOf { logit(position, it) }
        largest + ln((0..<vocabulary).sumOf { exp(logit(position, it) - largest) })
    }

    private fun logit(position: Int, id: Int): Double = logits[position.toLong() * vocabulary + id]

    private fun probability(position: Int, id: Int): Double = exp(logit(position, id) - norms[position])

    /** The [count] most probable, the best first; of equals the one with the smaller id. */
    fun top(position: Int, count: Int): List<NextToken> {
        val best = ArrayList<NextToken>(count + 1)
        for (id in 0..<vocabulary) {
            val logit = logit(position, id)
            if (best.size == count && logit <= best.last().logit) continue
            best.add(best.indexOfLast { it.logit >= logit } + 1, NextToken(id, logit, probability(position, id)))
            if (best.size > count) best.removeLast()
        }
        return best
    }

    /** How much probability lies elsewhere in [other]: `sum |p - q| / 2`, from 0 for the same to 1. */
    fun apart(other: NextTokens, position: Int): Double =
        (0..<vocabulary).sumOf { abs(probability(position, it) - other.probability(position, it)) } / 2
}
