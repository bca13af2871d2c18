package kumiko.cli.parity

import kumiko.runtime.graph.Cost
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.run.Excerpt
import kumiko.runtime.run.NodeValue
import kumiko.runtime.run.Options
import kumiko.runtime.run.TraceComparison
import kumiko.runtime.tensor.Shape
import java.lang.foreign.Arena

/**
 * Single nodes of one sequence, computed from the values that the reference has for the nodes before them: whatever is off then is off in
 * this step.
 */
internal class NodeSteps(
    private val reference: ReferenceSet,
    private val nodes: ReferenceNodes,
    private val sequence: Int,
    private val options: Options,
) {
    private val ids = reference.sequences[sequence]

    /** Node to tensor name, in order of execution. */
    val names: Map<String, String> = nodes.of(sequence)

    fun excerpt(node: String, variant: Variant): Excerpt = Excerpt.of(variant.graph, names.keys, node)

    /** Floating-point operations of a step. */
    fun flops(excerpt: Excerpt): Long = Cost.flops(excerpt.graph(), ids.size.toLong(), 0, Cost.Pairs.CAUSAL)

    /** The value of a node in its excerpt. */
    fun value(excerpt: Excerpt, variant: Variant, kernels: Kernels, arena: Arena): TracedValue {
        val edited = excerpt.given() + variant.edit?.nodes.orEmpty()
        val observed = options.withKernels(kernels).capture(excerpt.wanted()).replace(*edited.toTypedArray())
        val given = excerpt.given().toSet()
        return Tracer(excerpt.graph(), excerpt.weights(variant.weights, arena), observed, ids.size).use { tracer ->
            tracer.run(ids, arena) { value -> if (value.node() in given) give(value, variant) else variant.edit!!.apply(value) }.single()
        }
    }

    private fun give(value: NodeValue, variant: Variant) {
        val placed = Placed(value.node(), value.shape(), variant)
        for (i in 0..<placed.elements) value.set(placed.place(i), placed.element(i))
    }

    /** A value against the reference's. */
    fun compare(value: TracedValue, variant: Variant): TraceComparison {
        val placed = Placed(value.node, value.shape, variant)
        return TraceComparison.of(placed.elements, placed.element) { value[placed.place(it)] }
    }

    /** What the reference has, in the order of the node's own value. */
    fun expected(value: TracedValue, variant: Variant): DoubleArray {
        val placed = Placed(value.node, value.shape, variant)
        val all = DoubleArray(placed.elements.toInt())
        for (i in 0..<placed.elements) all[placed.place(i).toInt()] = placed.element(i)
        return all
    }

    /** The reference's tensor for a node, and where its elements lie in the node's value. */
    private inner class Placed(node: String, shape: Shape, variant: Variant) {
        private val name = names.getValue(node)
        private val tensor = reference.tensor(sequence, name)
        val elements: Long = tensor.shape().elements()
        val element: (Long) -> Double = nodes.element(tensor)
        val place: (Long) -> Long = nodes.place(name, tensor, shape, variant.headOrder(node))
    }
}
