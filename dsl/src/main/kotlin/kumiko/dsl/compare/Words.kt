package kumiko.dsl.compare

import kumiko.dsl.spec.Activate
import kumiko.dsl.spec.Affine
import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.Bias
import kumiko.dsl.spec.BlockPositions
import kumiko.dsl.spec.GatedMlp
import kumiko.dsl.spec.GatedResidual
import kumiko.dsl.spec.GlmResidual
import kumiko.dsl.spec.Layer
import kumiko.dsl.spec.LayerNorm
import kumiko.dsl.spec.LearnedPositions
import kumiko.dsl.spec.Linear
import kumiko.dsl.spec.Mask
import kumiko.dsl.spec.Mlp
import kumiko.dsl.spec.ParallelResidual
import kumiko.dsl.spec.Path
import kumiko.dsl.spec.PositionCode
import kumiko.dsl.spec.PositionIds
import kumiko.dsl.spec.PostNorm
import kumiko.dsl.spec.PrefixRows
import kumiko.dsl.spec.Product
import kumiko.dsl.spec.RmsNorm
import kumiko.dsl.spec.RotaryScaling
import kumiko.dsl.spec.ScaledResidual
import kumiko.dsl.spec.ScoreScale
import kumiko.dsl.spec.SequentialPositions
import kumiko.dsl.spec.SequentialResidual
import kumiko.dsl.spec.Sum
import kumiko.dsl.spec.TiedToTokens
import kumiko.dsl.spec.Tokens
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Frequencies.Rounding
import kumiko.runtime.graph.Pairing
import java.util.Locale

/** A layer in a few words of the field, without the layers inside it; a kind from elsewhere says itself. */
public fun Layer.words(): String = when (this) {
    is Tokens -> "token table ${vocab.size} x ${embed.size}"
    is LearnedPositions -> "learned positions ${positions.size} x ${embed.size}"
    is PrefixRows -> "prefix rows ${length.size} x ${width.size}"
    is TiedToTokens -> "tied to the token table"
    is LayerNorm -> "LayerNorm" + normWords(eps, affine, Affine.WEIGHT_AND_BIAS)
    is RmsNorm -> "RMSNorm" + normWords(eps, affine, Affine.WEIGHT) + if (offset == 0.0) "" else ", weight + ${decimal(offset)}"
    is Attention -> attentionWords()
    is Mlp -> "${activation.words()}, ${embed.size} -> ${hidden.size} -> ${embed.size}" + bias.words()
    is GatedMlp -> "gated ${activation.words()}, ${embed.size} -> 2 x ${hidden.size} -> ${embed.size}" + bias.words()
    is Linear -> "${input.size} -> ${output.size}" + bias.words()
    is Activate -> function.words()
    is Path -> name ?: label ?: "path"
    else -> wiringWords() ?: toString()
}

private fun Layer.wiringWords(): String? = when (this) {
    is SequentialResidual -> "sequential residual"
    is ParallelResidual -> "parallel residual"
    is GlmResidual -> "GLM residual, alpha $alpha"
    is PostNorm -> "post-norm residual"
    is ScaledResidual -> "residual scaled by $scale"
    is GatedResidual -> "gated residual"
    is Sum -> "sum"
    is Product -> "product"
    else -> null
}

private fun Attention.attentionWords(): String = listOfNotNull(
    headWords(),
    positions.words().takeIf { positions != PositionCode.None },
    mask.words(),
    scale.words(),
    queryNorm?.let { "query ${it.words()}" },
    keyNorm?.let { "key ${it.words()}" },
).joinToString(", ") + bias.words()

/** `32 heads of 128, 8 for keys and values`. */
internal fun Attention.headWords(): String =
    "${heads.size} heads of ${headDim.size}" + if (kvHeads.size == heads.size) "" else ", ${kvHeads.size} for keys and values"

internal fun PositionCode.words(): String = when (this) {
    is PositionCode.None -> "none"
    is PositionCode.Rotary -> "rotary on ${dims.size} dims" + rotaryWords(base, pairing, rounding) + scaling.words()
    is PositionCode.Rotary2d -> "two rotaries on ${dims.size} dims each" + rotaryWords(base, pairing, rounding)
}

private fun rotaryWords(base: Double, pairing: Pairing, rounding: Rounding): String = ", base ${decimal(
    base,
)}, ${pairing.name.lowercase()}" + if (rounding == Rounding.F32) "" else ", frequencies in ${rounding.name.lowercase()}"

private fun RotaryScaling.words(): String = when (this) {
    is RotaryScaling.None -> ""
    is RotaryScaling.Linear -> ", stretched ${decimal(factor)} times"
    is RotaryScaling.Llama3 -> ", llama3 stretch ${decimal(factor)} of ${decimal(context)}"
}

internal fun PositionIds.words(): String? = when (this) {
    is SequentialPositions -> null
    is BlockPositions -> "block positions"
}

internal fun Mask.words(): String = when (this) {
    is Mask.Causal -> "causal"
    is Mask.PrefixCausal -> "prefix causal"
    is Mask.Windowed -> "window $size"
} + (fill?.let { ", masked ${decimal(it)}" } ?: "")

private fun ScoreScale.words(): String? = when (this) {
    is ScoreScale.InverseSqrt -> null
    is ScoreScale.Fixed -> "scores times $factor"
    is ScoreScale.Stabilised -> "scores stabilised by $by"
}

private fun Activation.words(): String = when (this) {
    Activation.GELU -> "GELU"
    Activation.GELU_TANH -> "GELU (tanh)"
    Activation.SILU -> "SiLU"
    Activation.RELU -> "ReLU"
    Activation.TANH -> "tanh"
}

private fun Bias.words(): String = when (this) {
    Bias.NOWHERE -> ""
    Bias.INPUT -> ", bias on inputs"
    Bias.OUTPUT -> ", bias on the output"
    Bias.EVERYWHERE -> ", bias"
}

private fun normWords(eps: Double, affine: Affine, usual: Affine): String = " eps ${decimal(eps)}" + when {
    affine == usual -> ""
    affine == Affine.NONE -> ", no weight"
    else -> ", no bias"
}

/** `500000`, `0.25`, `1e-5`. */
public fun decimal(value: Double): String = when {
    value == Math.rint(value) && Math.abs(value) < 1e15 -> value.toLong().toString()
    Math.abs(value) in 1e-3..1e9 -> value.toString()
    else -> String.format(Locale.ROOT, "%.6e", value).replace(Regex("\\.?0*e([+-])0*"), "e$1").replace("e+", "e")
}
