package kumiko.cli.parity

import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Op
import kumiko.runtime.run.NodeValue
import kotlin.math.exp

/** A mask that is off by one, which no spec can say: the probabilities are computed again over other keys. */
internal enum class MaskShift(val words: String, private val first: Int, private val end: Int) {
    KEY_AFTER("a mask that also shows the key after a query's own", 0, 1),
    NOT_ITSELF("a mask that hides a query's own key", 0, -1),
    WINDOW_LONGER("a window that is longer by one key", -1, 0),
    WINDOW_SHORTER("a window that is shorter by one key", 1, 0),
    ;

    /** For the softmax nodes of a graph. A query that would see nothing sees one key. */
    fun edit(softmaxes: List<Node>): ValueEdit {
        val scores = softmaxes.associateBy({ it.inputs().first().name() }, { it })
        val seen = HashMap<String, DoubleArray>()
        return ValueEdit((scores.keys + softmaxes.map { it.name() }).toList()) { value ->
            val softmax = scores[value.node()]
            if (softmax != null) {
                seen[softmax.name()] = DoubleArray(value.shape().elements().toInt()) { value.get(it.toLong()) }
            } else {
                val node = softmaxes.first { it.name() == value.node() }
                shift(value, seen.getValue(node.name()), (node.op() as Op.Softmax).scale())
            }
        }
    }

    private fun shift(value: NodeValue, scores: DoubleArray, scale: Double) {
        val keys = value.shape().dim(2).toInt()
        for (row in 0..<(value.shape().elements() / keys).toInt()) {
            val at = row * keys
            val visible = (0..<keys).filter { value.get((at + it).toLong()) > 0 }
            val from = (visible.first() + first).coerceIn(0, keys - 1)
            // The front of a window that has not moved yet stays where the sequence begins.
            val start = if (first > 0 && visible.first() == 0) 0 else from
            val until = (visible.last() + 1 + end).coerceIn(start + 1, keys)
            val most = (start..<until).maxOf { scores[at + it] }
            val sum = (start..<until).sumOf { exp(scale * (scores[at + it] - most)) }
            for (key in 0..<keys) {
                value.set((at + key).toLong(), if (key in start..<until) exp(scale * (scores[at + key] - most)) / sum else 0.0)
            }
        }
    }
}
