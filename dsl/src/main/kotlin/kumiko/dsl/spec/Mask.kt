@file:JvmName("Masks")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/**
 * Which keys a query sees. [fill] is the score a hidden key takes part with, written only where the original has one; without it hidden
 * keys are left out.
 */
@Serializable
public sealed interface Mask {
    public val fill: Double?

    /** Query i sees keys 0..i. */
    @Serializable
    @SerialName("causal")
    public data class Causal(override val fill: Double? = null) : Mask

    /** Queries of the prompt see the whole prompt, the rest is causal (prefix language model; GLM). Needs [BlockPositions]. */
    @Serializable
    @SerialName("prefix-causal")
    public data class PrefixCausal(override val fill: Double? = null) : Mask

    /** Query i sees keys `i - size + 1 .. i`. Beltagy et al. 2020, arXiv:2004.05150; Mistral. */
    @Serializable
    @SerialName("windowed")
    public data class Windowed(public val size: Int, override val fill: Double? = null) : Mask {
        init {
            if (size < 1) throw SpecException("a window shows at least 1 key, not $size")
        }
    }
}

public fun causal(fill: Double? = null): Mask = Mask.Causal(fill)

public fun prefixCausal(fill: Double? = null): Mask = Mask.PrefixCausal(fill)

public fun windowed(size: Int, fill: Double? = null): Mask = Mask.Windowed(size, fill)

internal fun Mask.visible(): kumiko.runtime.graph.Mask = when (this) {
    is Mask.Causal -> kumiko.runtime.graph.Mask.Causal()
    is Mask.PrefixCausal -> kumiko.runtime.graph.Mask.PrefixCausal()
    is Mask.Windowed -> kumiko.runtime.graph.Mask.Window(size)
}
