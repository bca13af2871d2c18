package kumiko.dsl.mapping

import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.util.SplittableRandom
import java.util.stream.IntStream

/**
 * Parameters drawn from [seed]: matrices and biases around 0 with standard deviation 0.02, norm weights around 1. GPT-2's own start
 * (Radford et al. 2019, section 2.3), except that nothing is exactly 0 or 1, so that no mistake hides behind a weight without effect.
 * Every row depends on the seed, its parameter's name and its number alone: the same in every layout and on every machine.
 */
class RandomParameters(private val seed: Long, private val type: DType) : ParameterSource {
    override fun dtype(parameter: Target): DType = type

    override fun get(parameter: Target, arena: Arena): Matrix {
        val shape = Shape.of(*parameter.shape.map { it.toLong() }.toLongArray())
        val data = arena.allocate(type.bytes(shape.elements()), ALIGNMENT)
        val mean = if (parameter.name.endsWith("orm.weight")) 1.0 else 0.0
        val columns = parameter.columns.toLong()
        // A confined arena belongs to one thread, but rows are drawn by all: each fills an array, which this thread stores.
        for (first in 0 until parameter.rows step BAND) {
            val rows = minOf(BAND, parameter.rows - first)
            val drawn = Array(rows) { DoubleArray(parameter.columns) }
            IntStream.range(0, rows).parallel().forEach { fill(drawn[it], random(parameter.name, first + it), mean) }
            drawn.forEachIndexed { row, values ->
                val start = (first + row) * columns
                values.forEachIndexed { column, value -> Elements.set(type, data, start + column, value) }
            }
        }
        return Matrix.of(Tensor(type, shape, data))
    }

    private fun fill(values: DoubleArray, random: SplittableRandom, mean: Double) {
        for (i in values.indices) values[i] = mean + DEVIATION * random.nextGaussian()
    }

    private fun random(name: String, row: Int) = SplittableRandom(
        name.fold(seed * PRIME + row) { hash, letter ->
            hash * PRIME + letter.code
        },
    )

    private companion object {
        const val DEVIATION = 0.02
        const val ALIGNMENT = 64L
        const val BAND = 256

        /** 2^64 divided by the golden ratio, as in SplittableRandom. */
        const val PRIME = -0x61c8864680b583ebL
    }
}
