package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Node

/**
 * A layer that this repository does not have, as a user would write it in a file of their own: `x + up(relu(down(x)))`, an adapter.
 * Houlsby et al. 2019, arXiv:1902.00751.
 */
@Serializable
@SerialName("adapter")
data class Adapter(val embed: Dim, val bottleneck: Dim) : Layer {
    override val label: String get() = "adapter"

    override fun parameters(): List<Weight> =
        listOf(Weight("down.weight", listOf(bottleneck, embed)), Weight("up.weight", listOf(embed, bottleneck)))

    override fun width(input: Width, at: Check): Width = if (at.fits("down", embed, input)) at.width(embed, "up") else input

    override fun lower(x: Node, at: Lowering): Node {
        val narrow = at.graph.activate(at.name("activated"), at.linear("down", x), Activation.RELU) // [seq, bottleneck]
        return at.graph.add(at.result("sum"), 1.0, x, at.linear("up", narrow)) // [seq, embed]
    }
}

/** A wiring that this repository does not have: `x <- p(x) + q(p(x)) + x`. */
@Serializable
@SerialName("dense-residual")
data class DenseResidual(override val paths: List<Path>) : Topology {
    override fun withPaths(paths: List<Path>): DenseResidual = copy(paths = paths)

    override fun lower(x: Node, at: Lowering): Node {
        val first = at.path(paths[0], x)
        val both = at.graph.add(at.name("both"), 1.0, first, at.path(paths[1], first))
        return at.graph.add(at.result(), 1.0, x, both)
    }
}

/** A kind that nobody made known. */
@Serializable
@SerialName("unheard-of")
data class UnheardOf(val embed: Dim) : Layer {
    override val label: String get() = "unheard"

    override fun width(input: Width, at: Check): Width = input

    override fun lower(x: Node, at: Lowering): Node = at.graph.scale(at.result(), x, 1.0)
}
