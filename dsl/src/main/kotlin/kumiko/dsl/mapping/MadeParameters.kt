package kumiko.dsl.mapping

import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.util.SplittableRandom
import kotlin.math.sqrt

/**
 * Random parameters, the same for the same [seed] and name on every machine: uniform, matrices with the standard deviation
 * 1/sqrt(columns) that keeps the size of what they multiply, norms near one, everything else near zero.
 */
class RandomParameters(private val seed: Long, private val type: DType) : ParameterSource {
    override fun dtype(parameter: Target): DType = type

    override fun get(parameter: Target, arena: Arena): Matrix {
        val elements = parameter.rows.toLong() * parameter.columns
        val data = arena.allocate(type.bytes(elements), 64)
        val random = SplittableRandom(seed * 0x5851f42d4c957f2dL + parameter.name.fold(0L) { hash, c -> 31 * hash + c.code })
        val vector = parameter.shape.size == 1
        val center = if (vector && parameter.name.endsWith("norm.weight")) 1.0 else 0.0
        val width = sqrt(3.0) * if (vector) SMALL else 1 / sqrt(parameter.columns.toDouble())
        for (i in 0 until elements) Elements.set(type, data, i, center + width * (2 * random.nextDouble() - 1))
        return Matrix.of(Tensor(type, Shape.of(*parameter.shape.map { it.toLong() }.toLongArray()), data))
    }

    private companion object {
        /** Spread of biases, and of norms around one. */
        const val SMALL = 0.1
    }
}

/** Zeros, which files leave out where the file system knows holes: for trying the layout of models of any size. */
class ZeroParameters(private val type: DType) : ParameterSource {
    override val isZero: Boolean get() = true

    override fun dtype(parameter: Target): DType = type

    override fun get(parameter: Target, arena: Arena): Matrix {
        val data = arena.allocate(type.bytes(parameter.rows.toLong() * parameter.columns), 64)
        return Matrix.of(Tensor(type, Shape.of(*parameter.shape.map { it.toLong() }.toLongArray()), data))
    }
}
