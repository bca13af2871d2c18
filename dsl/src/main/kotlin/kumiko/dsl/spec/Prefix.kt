@file:JvmMultifileClass
@file:JvmName("Specs")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.GraphBuilder
import kumiko.runtime.graph.Node

/**
 * All rows of a learned table `[length, width]`, the same for every token: what a model's prefix begins with. Li and Liang 2021,
 * arXiv:2101.00190; in every layer as here: Liu et al. 2021, arXiv:2110.07602.
 */
@Serializable
@SerialName("prefix-rows")
public data class PrefixRows(public val length: Dim, public val width: Dim) : Layer {
    override val label: String get() = "rows"

    override fun parameters(): List<Weight> = listOf(Weight("weight", listOf(length, width)))

    override fun width(input: Width, at: Check): Width {
        if (input.dim != null) at.problem("", "reads nothing, but stands behind other layers", "move it to the front of the prefix")
        return at.width(width)
    }

    override fun lower(x: Node, at: Lowering): Node = at.parameter("weight")
}

public fun prefixRows(length: Dim, width: Dim): PrefixRows = PrefixRows(length, width)

/** The columns of a model's prefix, `[length, columns]`, handed out to the layers in the order they are computed in. */
internal class PrefixColumns(private val rows: Node) {
    private var taken = 0

    fun take(graph: GraphBuilder, name: String, width: Int): Node = graph.slice(name, rows, taken, width).also { taken += width }
}

/** What does not fit in the prefix of a model, where it has one. A part of a model takes the first columns and leaves the others. */
internal fun ModelSpec.prefixProblems(walk: (Layer) -> Width): List<Problem> {
    val prefix = prefix ?: return emptyList()
    if (prefix.layersInside().firstOrNull() !is PrefixRows) {
        return listOf(Problem("prefix", "does not begin with rows of its own", "begin it with prefixRows(length, width)"))
    }
    val columns = walk(prefix).dim?.size ?: return emptyList()
    val attentions = (0..<layers).flatMap { block(it).layersInside() }.filterIsInstance<Attention>()
    val needed = attentions.sumOf { 2L * it.kvHeads.size * it.headDim.size }
    if (columns >= needed) return emptyList()
    val what = "has $columns columns, but $layers layers take $needed: keys and values of each"
    return listOf(Problem("prefix", what, "write a width of 2 * layers * kvHeads * headDim"))
}
