package kumiko.cli.parity

import kumiko.cli.refuse
import kumiko.runtime.checkpoint.TensorFile
import kumiko.runtime.run.NodeValue
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Tensor
import java.nio.file.Path

/** Values that a trace puts in the place of a node's own: `NODE=FILE` takes those of another trace, `NODE=0` wipes the node out. */
internal class Replacements private constructor(private val byNode: Map<String, Tensor?>, private val files: List<TensorFile>) :
    AutoCloseable {
    val nodes: List<String> get() = byNode.keys.toList()

    /** Overwrites the value of one of [nodes]. */
    fun apply(value: NodeValue) {
        val tensor = byNode[value.node()]
        if (tensor != null && tensor.shape() != value.shape()) {
            refuse(
                "--replace ${value.node()}: the file has ${tensor.shape()}, but the node is ${value.shape()} here. " +
                    "Trace the other values over as many tokens.",
            )
        }
        for (i in 0..<value.shape().elements()) value.set(i, tensor?.let { Elements.get(it.dtype(), it.data(), i) } ?: 0.0)
    }

    override fun close() = files.forEach { it.close() }

    companion object {
        fun open(texts: List<String>): Replacements {
            val files = HashMap<String, TensorFile>()
            try {
                val byNode = texts.associate { text -> tensor(text, files) }
                return Replacements(byNode, files.values.toList())
            } catch (e: Throwable) {
                files.values.forEach { it.close() }
                throw e
            }
        }

        private fun tensor(text: String, files: HashMap<String, TensorFile>): Pair<String, Tensor?> {
            val (node, from) = text.split('=', limit = 2).takeIf { parts -> parts.size == 2 && parts.all { it.isNotEmpty() } }
                ?: refuse("--replace $text: say NODE=FILE with a file from trace, or NODE=0.")
            if (from == "0") return node to null
            val file = files.getOrPut(from) { TensorFile.open(Path.of(from)) }
            if (!file.contains(node)) {
                refuse("--replace $text: the file has no tensor $node; it has ${file.names().take(SHOWN).joinToString()}.")
            }
            return node to file.tensor(node)
        }

        private const val SHOWN = 5
    }
}
