package kumiko.cli.parity

import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Op
import kumiko.runtime.run.Excerpt
import kumiko.runtime.run.Weights
import java.lang.foreign.Arena

/** A model that differs in one thing from the one that fails: tried, it says whether that thing is the cause. */
internal class Alternative(
    val cause: Cause,
    /** What is different: `rotary pairing HALVES in place of ADJACENT`. */
    val words: String,
    val graph: Graph,
    val headOrder: (String) -> IntArray?,
    /** Parameters with other numbers. */
    val parameters: Set<String> = emptySet(),
    val edit: ValueEdit? = null,
    /** Null where there are no such weights. What has to be made or opened for them lives as long as the trial. */
    private val weights: (Trial) -> Weights?,
) {
    fun variant(trial: Trial): Variant? = weights(trial)?.let { Variant(graph, it, headOrder, edit) }
}

/** What is made for one trial. */
internal class Trial : AutoCloseable {
    /** Shared, because the threads of a program read from it. */
    val arena: Arena = Arena.ofShared()
    private val kept = ArrayList<AutoCloseable>()

    fun <T : AutoCloseable> keep(opened: T): T = opened.also { kept += it }

    override fun close() {
        kept.reversed().forEach { it.close() }
        arena.close()
    }
}

/** What one node is computed from, given the reference's values of others: only this can be its fault. */
internal class Inside(excerpt: Excerpt) {
    val nodes: List<Node> = excerpt.graph().nodes().filter { it.name() !in excerpt.given() && !isStandIn(it, excerpt) }
    val names: Set<String> = nodes.map { it.name() }.toSet()
    val parameters: List<String> = nodes.filter { it.op() is Op.Parameter }.map { it.name() }

    private fun isStandIn(node: Node, excerpt: Excerpt) = node == excerpt.graph().output() ||
        (node.op() is Op.Parameter && node.name().endsWith(".given"))

    companion object {
        /** `blocks.{i}.ffn.up`: nodes and parameters of several layers that do the same. */
        fun role(name: String): String = name.replace(LAYER, "blocks.{i}")

        private val LAYER = Regex("^blocks\\.[0-9]+")
    }
}
