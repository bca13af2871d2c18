package kumiko.dsl.spec

import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Pairing

/**
 * A piece of a model: rows `[seq, in]` to rows `[seq, out]`. Norms, attention, sums and residual wirings are all layers, so they nest
 * without limit.
 *
 * A kind of layer says what it holds ([parameters]), what it fits ([width]) and what it computes ([lower]); a kind that is made of
 * other layers also names them ([paths]). It is a `@Serializable` data class with a short `@SerialName`, registered with one line,
 * [Kinds.register]; every tool then works with it.
 */
public interface Layer {
    /** What this layer is called where it stands; null for a wiring, whose paths stand in the name of its surroundings. */
    public val label: String?

    /** The layers inside, in order. */
    public val paths: List<Path> get() = emptyList()

    /** This layer with other layers inside, as many as [paths]. */
    public fun withPaths(paths: List<Path>): Layer = this

    /** The weights of this layer itself, without those of [paths]. */
    public fun parameters(): List<Weight> = emptyList()

    /** The width this layer turns [input] into; what does not fit is told to [at]. */
    public fun width(input: Width, at: Check): Width

    /** Writes the operations of this layer for rows [x]; the last node is called [Lowering.result]. */
    public fun lower(x: Node, at: Lowering): Node
}

/**
 * A weight of a layer.
 *
 * @property name within the layer: `query.weight`
 * @property dims rows, then columns; a bias has one
 * @property heads how rows are grouped in heads, where they are
 */
public data class Weight(public val name: String, public val dims: List<Dim>, public val heads: HeadRows? = null)

/**
 * Rows that belong to heads: `heads` groups of `headDim`, of which rotary embedding turns `rotary` elements beginning at 0 (none: 0).
 * A two-dimensional rotary turns [turns] runs of that length behind one another.
 */
public data class HeadRows(
    public val heads: Dim,
    public val headDim: Dim,
    public val rotary: Int,
    public val turns: Int,
    public val pairing: Pairing?,
)

/**
 * How wide the rows at a place are.
 *
 * @property dim null before the embedding, where there are only token ids
 * @property origin the place that decided it
 * @property role what messages call these rows, with their verb
 */
public data class Width(public val dim: Dim?, public val origin: String, public val role: String = "its input is")
