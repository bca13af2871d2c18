package kumiko.cli.observe

import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Op
import kumiko.runtime.run.NodeValue

/**
 * The probabilities of one attention as a picture: `[heads, rows, keys]` in steps of 1/255.
 *
 * @property node canonical name of the attention: `blocks.3.attention`
 * @property prefix how many of the keys belong to a tuned prefix and stand before the tokens
 */
internal class AttentionMap(val node: String, val heads: Int, val rows: Int, val keys: Int, val prefix: Int, val shades: ByteArray)

/**
 * What is kept of all attention maps, so that a report stays a file that can be sent: of the tokens at most [MOST_TOKENS], then of the
 * layers as many as fit into [CELLS] for all models together, evenly spaced with the first and the last.
 */
internal class AttentionView(graphs: List<Graph>, private val tokens: Int) {
    val shownTokens: Int = minOf(tokens, MOST_TOKENS)

    private val nodes: List<List<String>> = graphs.map { graph -> graph.nodes().filter { it.op() is Op.Softmax }.map { it.name() } }

    /** Numbers of kept nodes of a model: the same in all, so that maps are seen side by side. */
    private val kept: List<Int>

    init {
        val most = nodes.maxOf { it.size }
        val cells = graphs.maxOf { graph ->
            graph.nodes().filter { it.op() is Op.Softmax }.maxOfOrNull { heads(it.type().extents().first()) } ?: 1
        } * shownTokens.toLong() * shownTokens * graphs.size
        val room = (CELLS / cells).toInt().coerceIn(1, maxOf(most, 1))
        kept = if (room == 1) listOf(most - 1) else (0..<room).map { (it.toLong() * (most - 1) / (room - 1)).toInt() }.distinct()
    }

    /** The nodes to capture of model [index]. */
    fun nodes(index: Int): List<String> = nodes[index].filterIndexed { number, _ -> number in kept }

    /** What was left out, in words; null where nothing was. */
    val leftOut: String? = listOfNotNull(
        "the first $shownTokens of $tokens tokens".takeIf { shownTokens < tokens },
        "${kept.size} of ${nodes.maxOf { it.size }} layers, evenly spaced".takeIf { kept.size < nodes.maxOf { it.size } },
    ).joinToString(", and ").ifEmpty { null }

    fun keep(value: NodeValue): AttentionMap {
        val (heads, rows, allKeys) = List(3) { value.shape().dim(it).toInt() }
        val prefix = allKeys - rows
        val keys = prefix + shownTokens
        val shades = ByteArray(heads * shownTokens * keys) { at ->
            val (head, row, key) = Triple(at / (shownTokens * keys), at / keys % shownTokens, at % keys)
            Math.round(value.get((head.toLong() * rows + row) * allKeys + key) * FULL).toByte()
        }
        return AttentionMap(value.node().substringBeforeLast('.'), heads, shownTokens, keys, prefix, shades)
    }

    private fun heads(extent: kumiko.runtime.graph.Type.Extent) = (extent as kumiko.runtime.graph.Type.Extent.Size).size()

    private companion object {
        const val MOST_TOKENS = 64

        /** Bytes before they are written as text, which takes a third more. */
        const val CELLS = 1_500_000L
        const val FULL = 255.0
    }
}
