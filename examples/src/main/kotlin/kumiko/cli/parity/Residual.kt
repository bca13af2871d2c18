package kumiko.cli.parity

import kumiko.runtime.tensor.Shape
import kotlin.math.sqrt

/** What a step leaves unexplained, looked at as a whole: a bias that nobody has, a factor that nobody knows. */
internal class Residual(private val own: DoubleArray, private val expected: DoubleArray, private val shape: Shape) {
    private val size = norm(expected.indices) { expected[it] }

    /** What is left, relative, when the best constant vector is added to every row; null for less than three rows. */
    fun afterBias(): Double? {
        if (shape.rank() != 2 || shape.dim(0) < MIN_ROWS) return null
        val (rows, width) = shape.dim(0).toInt() to shape.dim(1).toInt()
        val mean = DoubleArray(width) { c -> (0..<rows).sumOf { r -> expected[r * width + c] - own[r * width + c] } / rows }
        return norm(own.indices) { expected[it] - own[it] - mean[it % width] } / size
    }

    /** The best common factor, and what is left with it. */
    fun afterFactor(): Pair<Double, Double> {
        val factor = own.indices.sumOf { own[it] * expected[it] } / own.indices.sumOf { own[it] * own[it] }
        return factor to norm(own.indices) { expected[it] - factor * own[it] } / size
    }

    private fun norm(indices: IntRange, element: (Int) -> Double) = sqrt(indices.sumOf { i -> element(i).let { it * it } })

    private companion object {
        const val MIN_ROWS = 3
    }
}
