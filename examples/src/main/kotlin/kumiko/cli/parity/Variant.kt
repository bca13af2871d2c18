package kumiko.cli.parity

import kumiko.runtime.graph.Graph
import kumiko.runtime.run.NodeValue
import kumiko.runtime.run.Weights

/** A model in a form that can be compared, or one that differs from it in one thing. */
internal class Variant(
    val graph: Graph,
    val weights: Weights,
    /** For a node of queries or keys by name: which component of a head each row of the checkpoint's head is; null for the same order. */
    val headOrder: (String) -> IntArray?,
    val edit: ValueEdit? = null,
)

/** Changes values while they are computed; [apply] is given those of [nodes], in order of execution. */
internal class ValueEdit(val nodes: List<String>, val apply: (NodeValue) -> Unit)
