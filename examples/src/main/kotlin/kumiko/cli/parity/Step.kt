package kumiko.cli.parity

import kumiko.runtime.run.Excerpt
import kumiko.runtime.run.TraceComparison
import kotlin.math.max

/**
 * One node computed from the reference's values, against the reference.
 *
 * @property rounding what float32 changes in it, relative
 */
internal class Step(
    val node: String,
    val excerpt: Excerpt,
    val error: TraceComparison,
    val rounding: Double,
    val inside: Inside,
    val residual: Residual,
) {
    /** So near that nothing needs explaining: the reference rounds too, and sums in another order. */
    val isNoise: Boolean get() = error.relative() <= NOISE * max(rounding, ULP)

    /** Near enough for the float32 of any implementation, where no known cause explains the rest. */
    val isRounding: Boolean get() = explainedByRounding(error.relative())

    /** Whether [relative], left by a change, is so little that the change is an explanation. */
    fun isExplainedAt(relative: Double): Boolean = explainedByRounding(relative) && relative * BETTER <= error.relative()

    private fun explainedByRounding(relative: Double) = relative <= max(FLOAT32, 2 * NOISE * rounding)

    private companion object {
        /** Half a unit in the last place of float32. */
        const val ULP = 6e-8

        /** Another order of summation rounds otherwise, by a small factor. */
        const val NOISE = 8.0

        /** About 170 units in the last place. */
        const val FLOAT32 = 1e-5

        /** A change that is the cause removes nearly all of the error; chance removes a little. */
        const val BETTER = 8.0
    }
}
