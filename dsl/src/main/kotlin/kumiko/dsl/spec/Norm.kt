@file:JvmName("Norms")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.Node

/** A layer that normalises each row of width [dim] and keeps its shape. */
public interface Norm : Layer {
    public val dim: Dim

    override val label: String get() = "norm"

    override fun width(input: Width, at: Check): Width {
        at.fits("", dim, input)
        return input
    }
}

/** What a norm learns. */
public enum class Affine(internal val weight: Boolean, internal val bias: Boolean) {
    WEIGHT_AND_BIAS(true, true),
    WEIGHT(true, false),
    NONE(false, false),
}

/** `(x - mean) / sqrt(variance + eps) * weight + bias`. Ba et al. 2016, arXiv:1607.06450. */
@Serializable
@SerialName("layer-norm")
public data class LayerNorm(override val dim: Dim, public val eps: Double, public val affine: Affine) : Norm {
    init {
        requireEpsilon(eps)
    }

    override fun parameters(): List<Weight> = listOfNotNull(
        Weight("weight", listOf(dim)).takeIf { affine.weight },
        Weight("bias", listOf(dim)).takeIf { affine.bias },
    )

    override fun lower(x: Node, at: Lowering): Node =
        at.graph.layerNorm(at.result(), x, at.parameterOrNull("weight"), at.parameterOrNull("bias"), eps)
}

/**
 * `x / sqrt(mean(x^2) + eps) * (weight + offset)`. Zhang and Sennrich 2019, arXiv:1910.07467. Gemma stores weights around 0 and has
 * [offset] 1; elsewhere it is 0.
 */
@Serializable
@SerialName("rms-norm")
public data class RmsNorm(override val dim: Dim, public val eps: Double, public val offset: Double, public val affine: Affine) : Norm {
    init {
        requireEpsilon(eps)
        if (affine.bias) throw SpecException("an RMSNorm has no bias; write Affine.WEIGHT or Affine.NONE")
    }

    override fun parameters(): List<Weight> = listOfNotNull(Weight("weight", listOf(dim)).takeIf { affine.weight })

    override fun lower(x: Node, at: Lowering): Node = at.graph.rmsNorm(at.result(), x, at.parameterOrNull("weight"), eps, offset)
}

public fun layerNorm(dim: Dim, eps: Double, affine: Affine = Affine.WEIGHT_AND_BIAS): LayerNorm = LayerNorm(dim, eps, affine)

public fun rmsNorm(dim: Dim, eps: Double, offset: Double = 0.0, affine: Affine = Affine.WEIGHT): RmsNorm = RmsNorm(dim, eps, offset, affine)

private fun requireEpsilon(eps: Double) {
    if (!(eps > 0 && eps < 1)) throw SpecException("the epsilon of a norm lies between 0 and 1, it is $eps")
}
