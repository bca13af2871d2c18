package kumiko.cli.quantize

import kumiko.cli.evaluate.Agreement
import kumiko.dsl.mapping.LayerRanges
import kumiko.dsl.mapping.LoadedWeights
import kumiko.runtime.run.Quantisation
import kumiko.runtime.run.QuantisationError
import kumiko.runtime.tensor.Matrix

/**
 * One kind of weight in all layers that have it alike.
 *
 * @property name `blocks.{i}.attention.query.weight`
 * @property kept why it stayed as it is stored; null where it was quantised
 */
internal data class QuantizedKind(
    val name: String,
    val layers: Int,
    val shape: String,
    val stored: String,
    val bytesBefore: Long,
    val bytesAfter: Long,
    val error: QuantisationError,
    val kept: String?,
)

/**
 * What a format saves and costs.
 *
 * @property others bytes of what is never quantised: embedding, head, norms, biases
 * @property predictions against the model as it is stored; null where no ids were given
 */
internal data class QuantizeReport(
    val model: String,
    val quantisation: Quantisation,
    val kinds: List<QuantizedKind>,
    val others: Long,
    val predictions: Agreement?,
) {
    val bytesBefore: Long get() = kinds.sumOf { it.bytesBefore } + others
    val bytesAfter: Long get() = kinds.sumOf { it.bytesAfter } + others

    companion object {
        fun of(model: String, weights: LoadedWeights, quantisation: Quantisation, predictions: Agreement?): QuantizeReport {
            val quantised = weights.quantised
            val changes = quantised?.changes().orEmpty()
            val kept = quantised?.kept().orEmpty()
            val kinds = changes.map { kind(it.parameter(), it.before(), it.after(), null) } +
                kept.map { (name, why) -> weights.parameters.getValue(name).let { kind(name, it, it, why) } }
            val touched = changes.map { it.parameter() }.toSet() + kept.keys
            val others = weights.parameters.filterKeys { it !in touched }.values.sumOf { it.bytes() }
            return QuantizeReport(model, quantisation, together(kinds), others, predictions)
        }

        private fun kind(name: String, before: Matrix, after: Matrix, kept: String?) = QuantizedKind(
            LayerRanges.skeleton(name).replace("{}", "{i}"),
            1,
            "[${before.rows()}, ${before.columns()}]",
            before.dtype().name.lowercase(),
            before.bytes(),
            after.bytes(),
            if (kept == null) QuantisationError.of(before, after) else QuantisationError.NONE,
            kept,
        )

        private fun together(kinds: List<QuantizedKind>) = kinds.groupBy {
            listOf(it.name, it.shape, it.stored, it.kept)
        }.values.map { same ->
            same.first().copy(
                layers = same.size,
                bytesBefore = same.sumOf { it.bytesBefore },
                bytesAfter = same.sumOf { it.bytesAfter },
                error = same.map { it.error }.reduce(QuantisationError::plus),
            )
        }
    }
}
