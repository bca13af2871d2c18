package kumiko.runtime.run

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.runtime.kernel.KernelProvider
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.kernel.Tolerance
import kumiko.runtime.kernel.VectorKernels
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Rows
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.abs
import kotlin.random.Random

private const val OUTPUTS = 200

private fun floats(count: Int, random: Random): MemorySegment = Arena.ofAuto().allocate(4L * count, 64).also {
    for (i in 0 until count) it.set(ValueLayout.JAVA_FLOAT, 4L * i, random.nextDouble(-1.0, 1.0).toFloat())
}

private fun MemorySegment.at(i: Int): Double = get(ValueLayout.JAVA_FLOAT, 4L * i).toDouble()

/** All inputs of one output after another. */
private fun inRows(type: DType, outputs: Int, inputs: Int, random: Random): Matrix {
    val data = Arena.ofAuto().allocate(type.bytes(outputs.toLong() * inputs), 64)
    for (i in 0 until outputs.toLong() * inputs) Elements.set(type, data, i, random.nextDouble(-1.0, 1.0))
    return Matrix.of(Tensor(type, Shape.of(outputs.toLong(), inputs.toLong()), data))
}

/** A layer of few rows by a weight in columns, with a bias and perhaps something under it. */
private class Layer(type: DType, val rows: Int, val inputs: Int, val isAdded: Boolean) {
    private val random = Random(inputs)
    private val kernels = KernelProvider.kernels()
    private val stored = inRows(type, inputs, OUTPUTS, random)
    private val x = floats(rows * inputs, random)
    private val bias = floats(OUTPUTS, random)
    private val below = floats(rows * OUTPUTS, random)

    /** As so many threads share it out, one after the other in this order, each half of what it has left at a time. */
    fun shared(threads: Int, order: Iterable<Int> = 0 until threads): MemorySegment {
        val arena = Arena.ofAuto()
        val weight = stored.transpose()
        val parts = if (threads == 1) 1 else Phase.PARTS_PER_WORKER * threads
        val result = arena.allocate(4L * rows * OUTPUTS, 64).fill(-1)
        val y = Parts(Rows(result, OUTPUTS), 32, parts)
        val residual = if (isAdded) Parts(Rows(below, OUTPUTS), 32, parts) else null
        val split = SplitK(kernels, weight, Rows(x, inputs), arena.allocate(4L * SplitK.elements(kernels, weight), 64).fill(-1))
        val scratch = Scratch(arena, threads, kernels.linearScratchBytes(weight, rows))
        val step = LinearStep(kernels, weight, Rows(bias, OUTPUTS), Rows(x, inputs), null, y, residual, 1.0, false, false, split, scratch)
        val call = Call(arena, rows, 1, emptyList()).apply {
            begin(0, 0)
            repeat(this@Layer.rows) { nextRow() }
        }
        val left = MutableList(threads) { it * parts / threads until (it + 1) * parts / threads }
        while (left.any { !it.isEmpty() }) {
            for (thread in order) {
                val own = left[thread]
                val cut = own.first + Math.ceilDiv(own.count(), 2)
                step.run(call, own.first, cut, parts, thread)
                left[thread] = cut..own.last
            }
        }
        return result
    }

    fun want(row: Int, output: Int): Double {
        val under = bias.at(output) + if (isAdded) below.at(row * OUTPUTS + output) else 0.0
        return under + (0 until inputs).sumOf { x.at(row * inputs + it) * element(it, output) }
    }

    fun magnitude(row: Int, output: Int): Double = 2 + (0 until inputs).sumOf { abs(x.at(row * inputs + it) * element(it, output)) }

    private fun element(input: Int, output: Int) =
        Elements.get(stored.dtype(), stored.slabs().first().data(), input.toLong() * OUTPUTS + output)
}

class SplitKSpec : FunSpec({
    test("few rows by a weight in columns are what they are by definition, and bit for bit the same however many threads share them out") {
        for (type in listOf(DType.F32, DType.BF16, DType.F16)) {
            for ((inputs, rows) in listOf(128 to 1, 131 to 1, 768 to 1, 131 to 2, 128 to 8, 131 to 9)) {
                for (isAdded in listOf(false, true)) {
                    val layer = Layer(type, rows, inputs, isAdded)
                    val alone = layer.shared(1)
                    withClue("$rows rows, $inputs inputs of $type") {
                        for (r in 0 until rows) {
                            for (c in 0 until OUTPUTS) {
                                val most = Tolerance.sum(inputs) * layer.magnitude(r, c)
                                abs(alone.at(r * OUTPUTS + c) - layer.want(r, c)) shouldBeLessThanOrEqual most
                            }
                        }
                        for (threads in listOf(2, 3, 8, 16, 40)) {
                            layer.shared(threads).mismatch(alone) shouldBe -1
                            layer.shared(threads, threads - 1 downTo 0).mismatch(alone) shouldBe -1
                        }
                    }
                }
            }
        }
    }

    test("only weights in columns are split, where each piece has some inputs and sums are no wider than activations") {
        val random = Random(1)
        val kernels = VectorKernels()
        SplitK.suits(ScalarKernels(DType.F32), inRows(DType.BF16, 128, 32, random).transpose()) shouldBe false
        SplitK.suits(kernels, inRows(DType.BF16, 128, 32, random).transpose()) shouldBe true
        SplitK.suits(kernels, inRows(DType.BF16, 127, 32, random).transpose()) shouldBe false
        SplitK.suits(kernels, inRows(DType.BF16, 32, 128, random)) shouldBe false
    }
})
