@file:JvmName("ScoreScales")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlin.math.sqrt

/** By what scores are multiplied before the softmax. */
@Serializable
public sealed interface ScoreScale {
    /** `1 / sqrt(headDim)`. Vaswani et al. 2017, section 3.2.1. */
    @Serializable
    @SerialName("inverse-sqrt")
    public data object InverseSqrt : ScoreScale

    /** A number of its own. */
    @Serializable
    @SerialName("fixed")
    public data class Fixed(public val factor: LayerExpr) : ScoreScale

    /**
     * `1 / (sqrt(headDim) * by)` before the mask, and times [by] after it: the same scores, but small while they are summed in half
     * precision, and a fill that is [by] times as low. THUDM/chatglm-6b, modeling_chatglm.py, attention_fn.
     */
    @Serializable
    @SerialName("stabilised")
    public data class Stabilised(public val by: LayerExpr) : ScoreScale
}

/** Scores divided by [by] before the mask and multiplied back after it. */
public fun stabilised(by: LayerExpr): ScoreScale = ScoreScale.Stabilised(by)

/** Scores times [factor], in place of `1 / sqrt(headDim)`. */
public fun fixedScale(factor: Double): ScoreScale = ScoreScale.Fixed(LayerExpr.of(factor))

/** The factor of the scores and, behind the mask, of the softmax's argument. */
internal fun ScoreScale.factors(headDim: Int, at: Lowering): Pair<Double, Double> = when (this) {
    is ScoreScale.InverseSqrt -> 1 / sqrt(headDim.toDouble()) to 1.0
    is ScoreScale.Fixed -> at.value(factor) to 1.0
    is ScoreScale.Stabilised -> at.value(by).let { 1 / (sqrt(headDim.toDouble()) * it) to it }
}
