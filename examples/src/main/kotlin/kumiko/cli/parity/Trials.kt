package kumiko.cli.parity

import kumiko.cli.fastestKernels
import kumiko.runtime.graph.Op
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.run.Excerpt
import kumiko.runtime.tensor.DType
import java.util.Locale
import kotlin.math.max

/** Tries every alternative that touches a step: those with which the reference is met explain it. */
internal class Trials(private val model: ParityModel, private val steps: NodeSteps, private val step: Step) {
    /** In float64, unless that would take long. */
    private val kernels: Kernels =
        if (steps.flops(step.excerpt) <= AFFORDABLE) ScalarKernels(DType.F64) else fastestKernels()

    /** The best first; others only as far as they are about as good. */
    fun explanations(): List<Explanation> {
        val good = good(model.alternatives(step.inside).mapNotNull(::tried)).ifEmpty { good(leftOver()) }
        return good.filter { it.relative <= max(AS_GOOD * good.first().relative, EQUAL) }.take(MOST)
    }

    private fun good(tried: List<Explanation>) = tried.filter { step.isExplainedAt(it.relative) }.sortedBy { it.relative }

    private fun tried(alternative: Alternative): Explanation? {
        val nodes = alternative.graph.byName()
        val own = model.variant.graph.byName()
        val alike = steps.names.keys.filter { nodes[it]?.type() == own.getValue(it).type() }.toSet()
        if (step.node !in alike) return null
        val excerpt = Excerpt.of(alternative.graph, alike, step.node)
        val touched = alternative.edit != null || alternative.parameters.any { it in step.inside.parameters } ||
            "${excerpt.graph()}" != "${step.excerpt.graph()}"
        if (!touched) return null
        return Trial().use { trial ->
            val variant = alternative.variant(trial) ?: return null
            val value = steps.value(excerpt, variant, kernels, trial.arena)
            Explanation(alternative.cause, alternative.words, steps.compare(value, variant).relative())
        }
    }

    /** What can be said of the difference itself, whatever made it. */
    private fun leftOver(): List<Explanation> {
        val op = model.variant.graph.byName().getValue(step.node).op()
        val bias = step.residual.afterBias()?.takeIf { op is Op.Linear }
        val (factor, rest) = step.residual.afterFactor()
        return listOfNotNull(
            bias?.let { Explanation(Cause.BIAS, "one vector added to every row, a bias that the model lacks", it) },
            Explanation(Cause.SCALE, "every element times ${"%.6g".format(Locale.ROOT, factor)}", rest).takeIf { op is Op.Scores },
        )
    }

    private companion object {
        const val AFFORDABLE = 4_000_000_000L
        const val AS_GOOD = 2.0
        const val EQUAL = 1.2e-7
        const val MOST = 3
    }
}
