package kumiko.dsl.compare

import kumiko.runtime.graph.Cost
import kumiko.runtime.graph.Cost.Pairs
import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Op
import kumiko.runtime.graph.Source
import kumiko.runtime.tensor.DType

/**
 * What one node of a model holds and costs.
 *
 * @property weights the parameters it is the first to use; a tied head uses those of the embedding and has none
 * @property layer the number of its block; null outside the blocks
 */
public class NodeCost internal constructor(
    public val node: Node,
    public val part: Part,
    public val weights: List<Node>,
    private val pairs: Pairs,
) {
    public val name: String get() = node.name()

    public val layer: Int? = BLOCK.find(node.name())?.groupValues?.get(1)?.toInt()

    /** The name without the number of its layer: `blocks.{i}.attention.query`. */
    public val template: String get() = if (layer == null) name else name.replaceFirst("blocks.$layer", "blocks.{i}")

    public val parameters: Long = weights.sumOf { Cost.parameterElements(it) }

    /** Floating point operations of a call of [seq] rows behind [past] positions; only query-key pairs that the mask shows are counted. */
    public fun flops(seq: Long, past: Long): Long = Cost.flops(node, seq, past, pairs)

    /**
     * Multiply-accumulates as papers count them: `seq * in * out` for a linear map and `seq * (past + seq) * heads * headDim` for each
     * of the two products of attention, all pairs counted; nothing else costs anything.
     */
    public fun macs(seq: Long, past: Long): Long = when (node.op()) {
        is Op.Linear, is Op.Scores, is Op.Mix -> Cost.flops(node, seq, past, Pairs.ALL) / 2
        else -> 0
    }

    /** Bytes of [weights] as [dtype]; a block type holds matrices only, and vectors beside it stay float32. */
    public fun weightBytes(dtype: DType): Long = weights.sumOf { bytes(it, Cost.parameterElements(it), dtype) }

    /** Bytes of weights that a call of [seq] rows reads; of an embedding the rows of its tokens. */
    public fun weightBytesRead(seq: Long, dtype: DType): Long = when {
        node.type().isFixed -> 0
        node.op() is Op.Embedding -> seq * bytes(node.inputs().first(), node.type().width().toLong(), dtype)
        else -> node.inputs().filter { it.op() is Op.Parameter }.sumOf { bytes(it, Cost.parameterElements(it), dtype) }
    }

    private fun bytes(weight: Node, elements: Long, dtype: DType): Long =
        (if (dtype.blockElements() > 1 && weight.type().extents().size == 1) DType.F32 else dtype).bytes(elements)

    override fun toString(): String = "$name  $part  $parameters"

    internal companion object {
        private val BLOCK = Regex("^blocks\\.(\\d+)(?=\\.|$)")

        /** Every node of [graph] that computes something, in execution order. */
        fun of(graph: Graph, parts: Parts): List<NodeCost> {
            val counted = HashSet<Node>()
            val pairs = pairs(graph)
            return graph.nodes().filter { it.op() !is Op.Parameter && it.op() !is Op.Input }.map { node ->
                val first = node.inputs().filter { it.op() is Op.Parameter && counted.add(it) }
                NodeCost(node, parts.of(node), first, pairs[node] ?: Pairs.CAUSAL)
            }
        }

        /** The mask stands at the softmax, but the products before and behind it cost as much as it shows. */
        private fun pairs(graph: Graph): Map<Node, Pairs> = graph.nodes().filter { it.op() is Op.Softmax }.flatMap { softmax ->
            val visible = (softmax.inputs()[1].op() as? Op.Input)?.source() as? Source.Visible
            val mixes = graph.nodes().filter { it.op() is Op.Mix && softmax in it.inputs() }
            (mixes + softmax + softmax.inputs().first()).map { it to (visible?.let { Pairs.of(it.mask()) } ?: Pairs.ALL) }
        }.toMap()
    }
}
