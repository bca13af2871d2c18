package kumiko.cli

import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Op
import kumiko.runtime.graph.Source
import kumiko.runtime.graph.Type.Extent

/** Positions the model has learned, or null where positions have no end. */
internal fun Graph.learnedPositions(): Int? = nodes().mapNotNull(::learnedPositions).minOrNull()

private fun learnedPositions(node: Node): Int? {
    if (node.op() !is Op.Embedding) return null
    val input = node.inputs()[1].op() as? Op.Input ?: return null
    if (input.source() !is Source.Position) return null
    return (node.inputs()[0].type().extents().first() as Extent.Size).size().toInt()
}
