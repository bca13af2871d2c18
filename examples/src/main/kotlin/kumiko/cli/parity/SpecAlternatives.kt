package kumiko.cli.parity

import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.Bias
import kumiko.dsl.spec.GatedMlp
import kumiko.dsl.spec.Layer
import kumiko.dsl.spec.Linear
import kumiko.dsl.spec.Mlp
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.ParallelResidual
import kumiko.dsl.spec.SequentialResidual
import kumiko.dsl.spec.SpecException
import kumiko.dsl.spec.TiedToTokens
import kumiko.dsl.spec.linear
import kumiko.dsl.spec.replace

/** Specs that ask a checkpoint for other weights, or wire them in another way. */
internal object SpecAlternatives {
    class Other(val cause: Cause, val words: String, val spec: ModelSpec)

    fun of(spec: ModelSpec): List<Other> = listOfNotNull(
        other(spec, Cause.WIRING, "a parallel residual in place of a sequential one") {
            (it as? SequentialResidual)?.let { residual -> ParallelResidual(residual.paths) }
        },
        other(spec, Cause.WIRING, "a sequential residual in place of a parallel one") {
            (it as? ParallelResidual)?.let { residual -> SequentialResidual(residual.paths) }
        },
        ownHead(spec),
    ) + Bias.entries.flatMap { biases(spec, it) }

    private fun ownHead(spec: ModelSpec): Other? = spec.tokens?.let { tokens ->
        other(spec, Cause.TIED_HEAD, "a head of its own in place of one tied to the tokens") { layer ->
            if (layer is TiedToTokens) linear(tokens.embed, tokens.vocab) else null
        }
    }

    private fun biases(spec: ModelSpec, bias: Bias): List<Other> {
        val words = "bias $bias"
        return listOfNotNull(
            other(spec, Cause.BIAS, "$words in attention") { layer -> (layer as? Attention)?.copy(bias = bias) },
            other(spec, Cause.BIAS, "$words in the feed-forward layers") { layer ->
                (layer as? Mlp)?.copy(bias = bias) ?: (layer as? GatedMlp)?.copy(bias = bias)
            },
            other(spec, Cause.BIAS, "$words in the head") { layer -> (layer as? Linear)?.copy(bias = bias) },
        )
    }

    /** [spec] with every layer changed for which there is a [change]; null where nothing changes or the result is no model. */
    private fun other(spec: ModelSpec, cause: Cause, words: String, change: (Layer) -> Layer?): Other? = try {
        spec.replace<Layer> { change(it) ?: it }.takeIf { it != spec }?.let { Other(cause, words, it) }
    } catch (_: SpecException) {
        null
    }
}
