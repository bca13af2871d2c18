@file:JvmName("PositionCodes")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.Frequencies
import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Pairing

/** How attention learns where a token stands. */
@Serializable
public sealed interface PositionCode {
    /** Not at all; the embedding may tell. */
    @Serializable
    @SerialName("none")
    public data object None : PositionCode

    /** The first [dims] elements of every head of query and key are turned by their position. Su et al. 2021, arXiv:2104.09864. */
    @Serializable
    @SerialName("rotary")
    public data class Rotary(
        public val dims: Dim,
        public val base: Double,
        public val pairing: Pairing,
        public val scaling: RotaryScaling,
        public val rounding: Frequencies.Rounding,
    ) : PositionCode {
        init {
            requireBase(base)
        }
    }

    /**
     * The first [dims] elements of a head are turned by the position, the next [dims] by the block position. Du et al. 2022,
     * arXiv:2103.10360, section 2.1; THUDM/chatglm-6b. Needs [BlockPositions].
     */
    @Serializable
    @SerialName("rotary-2d")
    public data class Rotary2d(
        public val dims: Dim,
        public val base: Double,
        public val pairing: Pairing,
        public val rounding: Frequencies.Rounding,
    ) : PositionCode {
        init {
            requireBase(base)
        }
    }
}

/** How far rotary frequencies are stretched for a longer context. */
@Serializable
public sealed interface RotaryScaling {
    @Serializable
    @SerialName("none")
    public data object None : RotaryScaling

    /** Every frequency divided by [factor]. Chen et al. 2023, arXiv:2306.15595. */
    @Serializable
    @SerialName("linear")
    public data class Linear(public val factor: Double) : RotaryScaling

    /**
     * LLaMA 3.1: wavelengths above `context / low` are stretched by [factor], those below `context / high` are kept, between them the
     * two are blended. meta-llama/llama-models, models/llama3/model.py, apply_scaling.
     */
    @Serializable
    @SerialName("llama3")
    public data class Llama3(
        public val factor: Double,
        public val low: Double,
        public val high: Double,
        public val context: Double,
    ) : RotaryScaling
}

public fun rotary(
    dims: Dim,
    base: Double,
    pairing: Pairing,
    scaling: RotaryScaling = RotaryScaling.None,
    rounding: Frequencies.Rounding = Frequencies.Rounding.F32,
): PositionCode = PositionCode.Rotary(dims, base, pairing, scaling, rounding)

public fun rotary2d(dims: Dim, base: Double, pairing: Pairing, rounding: Frequencies.Rounding = Frequencies.Rounding.F32): PositionCode =
    PositionCode.Rotary2d(dims, base, pairing, rounding)

/** Turned elements of a head in each run, how many runs, and which elements are paired. */
internal fun PositionCode.rows(heads: Dim, headDim: Dim): HeadRows = when (this) {
    is PositionCode.None -> HeadRows(heads, headDim, 0, 0, null)
    is PositionCode.Rotary -> HeadRows(heads, headDim, dims.size, 1, pairing)
    is PositionCode.Rotary2d -> HeadRows(heads, headDim, dims.size, 2, pairing)
}

internal fun PositionCode.check(headDim: Dim, at: Check) {
    val (dims, turned) = when (this) {
        is PositionCode.None -> return
        is PositionCode.Rotary -> dims to dims.size.toLong()
        is PositionCode.Rotary2d -> dims to 2L * dims.size
    }
    if (dims.size % 2 != 0) at.problem("query.rotary", "turns pairs, but dims is ${dims.shown()}", "write an even number of dims")
    if (turned >
        headDim.size
    ) {
        at.problem("query.rotary", "turns $turned elements of a head of ${headDim.shown()}", "write dims of at most the head's")
    }
    if (this is PositionCode.Rotary2d && at.positions !is BlockPositions) {
        at.problem(
            "query.rotary",
            "reads block positions, but the model counts positions one by one",
            "write positions = blockPositions(...)",
        )
    }
}

/** [x] `[seq, heads * headDim]` turned; the last node is [name]. */
internal fun PositionCode.turn(x: Node, headDim: Int, name: String, at: Lowering): Node = when (this) {
    is PositionCode.None -> x

    is PositionCode.Rotary -> {
        val angles = at.graph.angles(at.graph.position(0), frequencies()!!)
        at.graph.rotate(name, x, angles, headDim, 0, pairing)
    }

    is PositionCode.Rotary2d -> {
        val frequencies = frequencies()!!
        val first = at.graph.rotate("$name.position", x, at.graph.angles(at.graph.position(0), frequencies), headDim, 0, pairing)
        at.graph.rotate(name, first, at.graph.angles(at.graph.position(1), frequencies), headDim, dims.size, pairing)
    }
}

/** How fast each pair turns, in every run alike; null where nothing turns. */
public fun PositionCode.frequencies(): Frequencies? = when (this) {
    is PositionCode.None -> null
    is PositionCode.Rotary -> Frequencies(dims.size, base, scaling.runtime(), rounding)
    is PositionCode.Rotary2d -> Frequencies(dims.size, base, Frequencies.Scaling.None(), rounding)
}

private fun RotaryScaling.runtime(): Frequencies.Scaling = when (this) {
    is RotaryScaling.None -> Frequencies.Scaling.None()
    is RotaryScaling.Linear -> Frequencies.Scaling.Linear(factor)
    is RotaryScaling.Llama3 -> Frequencies.Scaling.Llama3(factor, low, high, context)
}

private fun requireBase(base: Double) {
    if (!(base > 1 && base.isFinite())) throw SpecException("the base of rotary frequencies is above 1, it is $base")
}
