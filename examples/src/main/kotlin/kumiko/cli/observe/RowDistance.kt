package kumiko.cli.observe

import kumiko.cli.parity.TracedValue
import kotlin.math.sqrt

/** The rows of a value by position, wherever positions lie: `[rows, width]`, `[heads, rows, keys]`, `[kvHeads, keys, headDim]`. */
internal class PositionRows(private val value: TracedValue, positions: Int) {
    private val rank = value.shape.rank()
    private val blocks = if (rank == 2) 1L else value.shape.dim(0)
    private val rows = value.shape.dim(rank - 2)
    private val width = value.shape.dim(rank - 1)

    /** Keys of a tuned prefix stand first and belong to no position. */
    private val first = rows - positions

    /** Calls [each] with every index of [position]'s elements. */
    inline fun forEach(position: Int, each: (Long) -> Unit) {
        for (block in 0..<blocks) {
            val start = (block * rows + first + position) * width
            for (i in start..<start + width) each(i)
        }
    }

    /** The Euclidean norm of the position's row. */
    fun norm(position: Int): Double {
        var sum = 0.0
        forEach(position) { sum += value[it] * value[it] }
        return sqrt(sum)
    }

    /**
     * `|a - b| / max(|a|, |b|)` of two rows of the same shape, in the Euclidean norm: 0 for the same, 1 where one of them is zero.
     * Infinite where one holds what is no number.
     */
    fun distance(other: PositionRows, position: Int): Double {
        val larger = maxOf(norm(position), other.norm(position))
        if (!larger.isFinite()) return Double.POSITIVE_INFINITY
        var sum = 0.0
        forEach(position) { i -> (value[i] - other.value[i]).let { sum += it * it } }
        return if (sum == 0.0) 0.0 else sqrt(sum) / larger
    }
}

/** Distances of two values of one node, position by position; null where their shapes differ. */
internal fun distances(a: TracedValue, b: TracedValue, positions: Int): List<Double>? {
    if (a.shape != b.shape) return null
    val (left, right) = PositionRows(a, positions) to PositionRows(b, positions)
    return List(positions) { left.distance(right, it) }
}
