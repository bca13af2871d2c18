package kumiko.cli.parity

import kumiko.runtime.run.TraceComparison

/** One tensor of a reference against the node it stands for, in the sequence where it is furthest off. */
internal data class NodeParity(
    val node: String,
    val reference: String,
    val sequence: Int,
    val comparison: TraceComparison,
    val tolerance: Double,
) {
    val good: Boolean get() = comparison.within(tolerance)

    /** How much of the tolerance is used up. */
    val share: Double get() = if (comparison.maxAbs == 0.0) 0.0 else comparison.maxAbs / tolerance
}

/** A greedy continuation, decoded with the key/value cache, against the reference's. */
internal data class GreedyParity(
    val sequence: Int,
    val expected: List<Int>,
    val actual: List<Int>,
    /** Smallest distance between the best and the second-best logit over all steps. */
    val margin: Double,
) {
    val good: Boolean get() = expected == actual

    /** The first step that chose another token, or null. */
    val parting: Int? get() = expected.indices.firstOrNull { actual.getOrNull(it) != expected[it] }
}

/**
 * What a comparison found.
 *
 * @property nodes in order of execution
 * @property part how many layers were compared; null for all
 * @property leftOut tensors of the reference that belong to what was not loaded
 */
internal data class ParityReport(
    val model: String,
    val reference: String,
    val arithmetic: String,
    val sequences: Int,
    val nodes: List<NodeParity>,
    val greedy: List<GreedyParity>,
    val part: Int?,
    val leftOut: Int,
    /** Why the first node that is too far off is so; null where none is. */
    val diagnosis: Diagnosis?,
) {
    val good: Boolean get() = nodes.all { it.good } && greedy.all { it.good }

    /** The first tensor in order of execution that is too far off. */
    val firstBad: NodeParity? get() = nodes.firstOrNull { !it.good }
}
