package kumiko.dsl.compare

import kumiko.dsl.compile.compile
import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.graph.Cost
import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Pass
import kumiko.runtime.run.WorkingMemory
import kumiko.runtime.tensor.DType
import java.util.EnumSet

/**
 * What a model holds and what running it costs, exactly, from its spec alone: node by node, summed by part and in all. `seq` is the
 * rows of one call and `past` the positions of its sequence behind them, so a prompt of S tokens is `(S, 0)` and one step of decoding
 * `(1, S)`.
 */
public class Account private constructor(public val spec: ModelSpec, private val graph: Graph) {
    /** Every node that computes something, in execution order. */
    public val nodes: List<NodeCost> = NodeCost.of(graph, Parts(spec, graph))

    /** How many numbers the weights are; a tied head adds none. */
    public val parameters: Long = nodes.sumOf { it.parameters }

    /** Numbers that one position of one sequence keeps in the key/value cache. */
    public val cacheElements: Long = Cost.cacheElements(graph)

    private val fused: Graph by lazy { Pass.applyAll(graph, EnumSet.allOf(Pass::class.java)) { false } }

    public fun parameters(part: Part): Long = of(part).sumOf { it.parameters }

    /** Floating point operations, of the query-key pairs only those that the mask shows. See [NodeCost.flops]. */
    public fun flops(seq: Long, past: Long): Long = nodes.sumOf { it.flops(seq, past) }

    public fun flops(part: Part, seq: Long, past: Long): Long = of(part).sumOf { it.flops(seq, past) }

    /**
     * Multiply-accumulates by the published rule: tokens x linear weights including the head, plus `2 * layers * seq * (past + seq) *
     * heads * headDim`, no causal halving.
     */
    public fun macs(seq: Long, past: Long): Long = nodes.sumOf { it.macs(seq, past) }

    public fun macs(part: Part, seq: Long, past: Long): Long = of(part).sumOf { it.macs(seq, past) }

    /** Bytes that one position of one sequence keeps in the key/value cache. */
    public fun cacheBytesPerToken(dtype: DType): Long = dtype.bytes(cacheElements)

    /** Bytes of all weights as [dtype]; under a block type vectors stay float32. */
    public fun weightBytes(dtype: DType): Long = nodes.sumOf { it.weightBytes(dtype) }

    /** Bytes of weights that a call reads: of the token table only the rows of its tokens, unless the head multiplies by it. */
    public fun weightBytesRead(seq: Long, dtype: DType): Long = nodes.sumOf { it.weightBytesRead(seq, dtype) }

    /**
     * Bytes of float32 values that a call of one sequence keeps in working memory, weights and cache apart, as the runtime plans them:
     * values share memory that they need one after another.
     */
    public fun activationBytes(seq: Long, past: Long): Long = WorkingMemory.bytes(fused, seq, past + seq)

    /** Bytes to run sequences of [context] positions, the prompt in one call: weights, cache and activations. */
    public fun memoryBytes(context: Long, weights: DType, cache: DType): Long =
        weightBytes(weights) + context * cacheBytesPerToken(cache) + activationBytes(context, 0)

    private fun of(part: Part) = nodes.filter { it.part == part }

    public companion object {
        @JvmStatic
        public fun of(spec: ModelSpec): Account = Account(spec, spec.compile())
    }
}
