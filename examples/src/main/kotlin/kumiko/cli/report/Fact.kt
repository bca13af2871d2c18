package kumiko.cli.report

import kumiko.cli.grouped
import kumiko.dsl.compare.words
import kumiko.dsl.spec.Activate
import kumiko.dsl.spec.Affine
import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.Bias
import kumiko.dsl.spec.Dim
import kumiko.dsl.spec.GatedMlp
import kumiko.dsl.spec.GatedResidual
import kumiko.dsl.spec.GlmResidual
import kumiko.dsl.spec.Layer
import kumiko.dsl.spec.LayerExpr
import kumiko.dsl.spec.LayerNorm
import kumiko.dsl.spec.LearnedPositions
import kumiko.dsl.spec.Linear
import kumiko.dsl.spec.Mask
import kumiko.dsl.spec.Mlp
import kumiko.dsl.spec.Norm
import kumiko.dsl.spec.ParallelResidual
import kumiko.dsl.spec.PositionCode
import kumiko.dsl.spec.PostNorm
import kumiko.dsl.spec.Product
import kumiko.dsl.spec.RmsNorm
import kumiko.dsl.spec.ScaledResidual
import kumiko.dsl.spec.ScoreScale
import kumiko.dsl.spec.SequentialResidual
import kumiko.dsl.spec.Sum
import kumiko.dsl.spec.TiedToTokens
import kumiko.dsl.spec.Tokens
import kumiko.dsl.spec.Topology
import java.util.Locale

/**
 * One line of a box: what is looked at, and what it is here. Facts of one [key] are compared between models.
 *
 * @property size whether it is a size only, which is expected to differ
 */
internal data class Fact(val key: String, val text: String, val size: Boolean = false)

/** What a box is headed, and its lines. */
internal fun title(layer: Layer): String = when (layer) {
    is Norm -> if (layer is RmsNorm) {
        "RMSNorm"
    } else if (layer is LayerNorm) {
        "LayerNorm"
    } else {
        "norm"
    }

    is Attention -> "attention"

    is Mlp, is GatedMlp -> "feed-forward"

    is Tokens -> "token table"

    is LearnedPositions -> "learned positions"

    is TiedToTokens, is Linear -> "linear"

    is Activate -> "activation"

    else -> layer.label ?: layer.words()
}

internal fun facts(layer: Layer): List<Fact> = when (layer) {
    is RmsNorm -> listOf(Fact("norm", "eps ${layer.eps.short()}" + if (layer.offset == 0.0) "" else ", weight + ${layer.offset.short()}"))

    is LayerNorm -> listOf(Fact("norm", "eps ${layer.eps.short()}" + if (layer.affine == Affine.WEIGHT_AND_BIAS) "" else ", no bias"))

    is Attention -> attention(layer)

    is Mlp -> listOf(Fact("ffn", layer.activation.shown()), sizes("ffn", layer.embed, layer.hidden, layer.embed)) + bias("ffn", layer.bias)

    is GatedMlp ->
        listOf(Fact("ffn", "gated ${layer.activation.shown()}"), sizes("ffn", layer.embed, layer.hidden, layer.embed)) +
            bias("ffn", layer.bias)

    is Tokens -> listOf(sizes("tokens", layer.vocab, layer.embed))

    is LearnedPositions -> listOf(Fact("learned", "${grouped(layer.positions.size.toLong())} positions"))

    is TiedToTokens -> listOf(Fact("head", "tied to the token table"))

    is Linear -> listOf(Fact("head", "own matrix"), sizes("head", layer.input, layer.output)) + bias("head", layer.bias)

    is Activate -> listOf(Fact("activation", layer.function.shown()))

    is Topology -> listOf(Fact("residual", wiring(layer)))

    is Sum, is Product -> emptyList()

    else -> listOf(Fact("other", layer.words()))
}

/** How branches come back to the stream. */
private fun wiring(layer: Topology): String = when (layer) {
    is SequentialResidual -> "in sequence"
    is ParallelResidual -> "in parallel"
    is GlmResidual -> "${layer.alpha.short()} · normed + branch"
    is ScaledResidual -> "x + ${layer.scale.short()} · branch"
    is GatedResidual -> "x + gate · branch"
    is PostNorm -> "normed after the sum"
    else -> layer.words()
}

/** A constant with four digits. */
internal fun LayerExpr.short(): String = if (this is LayerExpr.Constant) "%.4g".format(Locale.ROOT, value) else "($this)"

private fun attention(layer: Attention): List<Fact> = listOfNotNull(
    Fact("heads", "${layer.heads.size} heads of ${layer.headDim.size}", size = true),
    Fact("sharing", if (layer.kvHeads.size == layer.heads.size) "multi-head" else "${layer.kvHeads.size} for keys and values"),
    Fact("positions", positions(layer)).takeIf { layer.positions != PositionCode.None },
    Fact("base", base(layer.positions)).takeIf { layer.positions != PositionCode.None },
    Fact("mask", layer.mask.shown()),
    layer.scale.shown()?.let { Fact("scale", it) },
    layer.queryNorm?.let { Fact("queryNorm", "queries normed") },
    layer.keyNorm?.let { Fact("keyNorm", "keys normed") },
) + bias("attention", layer.bias)

private fun positions(layer: Attention): String = when (val code = layer.positions) {
    is PositionCode.None -> "none"

    is PositionCode.Rotary -> when (code.dims.size) {
        layer.headDim.size -> "rotary, all of head"
        else -> "rotary, ${code.dims.size} of ${layer.headDim.size}"
    }

    is PositionCode.Rotary2d -> "2-d rotary, twice ${code.dims.size}"
}

private fun base(code: PositionCode): String = when (code) {
    is PositionCode.None -> ""
    is PositionCode.Rotary -> "base ${grouped(code.base.toLong())}, ${code.pairing.name.lowercase()}"
    is PositionCode.Rotary2d -> "base ${grouped(code.base.toLong())}, ${code.pairing.name.lowercase()}"
}

private fun Mask.shown(): String = when (this) {
    is Mask.Causal -> "causal"
    is Mask.PrefixCausal -> "prefix, then causal"
    is Mask.Windowed -> "window of $size"
} + if (fill == null) "" else ", filled"

private fun ScoreScale.shown(): String? = when (this) {
    is ScoreScale.InverseSqrt -> null
    is ScoreScale.Fixed -> "scores x $factor"
    is ScoreScale.Stabilised -> "stabilised by $by"
}

private fun bias(owner: String, bias: Bias): List<Fact> = when (bias) {
    Bias.NOWHERE -> emptyList()
    Bias.EVERYWHERE -> listOf(Fact("$owner bias", "biases"))
    else -> listOf(Fact("$owner bias", "bias on ${bias.name.lowercase()}"))
}

private fun sizes(owner: String, vararg dims: Dim) =
    Fact("$owner sizes", dims.joinToString(" → ") { grouped(it.size.toLong()) }, size = true)

private fun kumiko.runtime.graph.Activation.shown() = Activate(this).words()

private fun Double.short(): String = if (this == Math.rint(this)) "${toLong()}" else "$this".replace(".0E", "e").replace("E", "e")
