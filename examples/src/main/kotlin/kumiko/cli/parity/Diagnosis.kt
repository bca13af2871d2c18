package kumiko.cli.parity

/** What stands behind a node that is too far off. Errors are relative, in the Euclidean norm. */
internal sealed interface Diagnosis {
    /** The node that was looked at, in the sequence [sequence]. */
    val node: String
    val sequence: Int

    /** The node computed in float64 from the reference's own values of the nodes before it, against the reference. */
    val step: Double

    /** What float32 rounding changes in this step, measured: float32 against float64 over the same values. */
    val rounding: Double

    /** No step does anything else than the reference's: many small roundings came together. */
    data class Rounding(
        override val node: String,
        override val sequence: Int,
        override val step: Double,
        override val rounding: Double,
    ) : Diagnosis

    /**
     * The step computes something else than the reference's.
     *
     * @property explanations what makes it agree, the best first; empty where nothing known does
     * @property inputs the parameters that the step reads
     */
    data class Fault(
        override val node: String,
        override val sequence: Int,
        override val step: Double,
        override val rounding: Double,
        val explanations: List<Explanation>,
        val inputs: List<String>,
    ) : Diagnosis
}

/** A change under which the reference is met, with what is then left of the error. */
internal data class Explanation(val cause: Cause, val words: String, val relative: Double)
