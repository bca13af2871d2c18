package kumiko.cli.parity

import kumiko.cli.fastestKernels
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.run.TraceComparison
import kumiko.runtime.tensor.DType
import java.lang.foreign.Arena

/**
 * Finds out why a node is off. Every node of its surroundings is computed alone, in float64, from the reference's values of the nodes
 * before it. A step that then differs by more than rounding does something else than the reference; what that is is found by trying.
 */
internal class Diagnoser(private val model: ParityModel, private val steps: NodeSteps, private val sequence: Int) {
    private val order = model.variant.graph.nodes().withIndex().associate { (place, node) -> node.name() to place }

    /** [first] is the first node that is over its tolerance. */
    fun diagnose(first: String): Diagnosis {
        var last: Step? = null
        for (node in window(first)) {
            val step = measure(node)
            val explanations = if (step.isNoise) emptyList() else Trials(model, steps, step).explanations()
            if (explanations.isNotEmpty() || !step.isRounding) {
                return Diagnosis.Fault(node, sequence, step.error.relative(), step.rounding, explanations, step.inside.parameters)
            }
            last = step
        }
        return Diagnosis.Rounding(first, sequence, last!!.error.relative(), last.rounding)
    }

    /** The nodes up to [first] of its own block and of the one before: a fault may show late in a tolerance that is wide. */
    private fun window(first: String): List<String> {
        val parts = order.keys.map(::part).distinct()
        val at = parts.indexOf(part(first))
        val near = parts.subList(maxOf(0, at - 1), at + 1)
        return steps.names.keys.filter { order.getValue(it) <= order.getValue(first) && part(it) in near }
    }

    /** `blocks.3`, `embedding`, `head`; sources and weights of no part are the embedding's. */
    private fun part(node: String): String = when {
        node.startsWith("blocks.") -> node.split('.').take(2).joinToString(".")
        node.startsWith("head") || node == "logits" -> "head"
        else -> "embedding"
    }

    private fun measure(node: String): Step = Arena.ofShared().use { arena ->
        val excerpt = steps.excerpt(node, model.variant)
        val exact = steps.value(excerpt, model.variant, ScalarKernels(DType.F64), arena)
        val short = steps.value(excerpt, model.variant, fastestKernels(), arena)
        val rounding = TraceComparison.of(exact.shape.elements(), { exact[it] }, { short[it] }).relative()
        val expected = steps.expected(exact, model.variant)
        val own = DoubleArray(expected.size) { exact[it.toLong()] }
        Step(node, excerpt, steps.compare(exact, model.variant), rounding, Inside(excerpt), Residual(own, expected, exact.shape))
    }
}
