package kumiko.cli.observe

/**
 * How far two runs on one sequence are from each other.
 *
 * @property stream by node of the residual stream and position; nodes of another width are left out. See [PositionRows.distance]
 * @property apart by position, how much probability of the next token lies elsewhere. See [NextTokens.apart]
 * @property parting null where no value that both have differs by more than [Parting.MEASURE]
 * @property nextParting the first position behind which another token is the most probable; null where there is none
 */
internal class RunPair(val stream: Map<String, List<Double>>, val apart: List<Double>, val parting: Parting?, val nextParting: Int?)

/** The first value, in order of execution, that differs by more than [MEASURE], and the first of its positions that does. */
internal data class Parting(val node: String, val position: Int, val distance: Double) {
    companion object {
        /** Of `|a - b| / max(|a|, |b|)`: above what rounding to 16 bits does to a row, below what another weight does. */
        const val MEASURE = 1e-2

        /** The first of [distances] by node that is one. */
        fun first(distances: Map<String, List<Double>>): Parting? = distances.firstNotNullOfOrNull { (node, rows) ->
            rows.indexOfFirst { it > MEASURE }.takeIf { it >= 0 }?.let { Parting(node, it, rows[it]) }
        }
    }
}
