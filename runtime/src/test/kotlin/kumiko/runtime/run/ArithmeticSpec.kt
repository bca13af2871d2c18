package kumiko.runtime.run

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.doubles.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.kernel.VectorKernels
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import kotlin.math.sqrt

/** The least cosine of logits in bf16 with logits in float32. */
private const val LEAST_COSINE = 0.9999

private fun cosine(a: DoubleArray, b: DoubleArray): Double {
    fun dot(x: DoubleArray, y: DoubleArray) = x.indices.sumOf { x[it] * y[it] }
    return dot(a, b) / sqrt(dot(a, a) * dot(b, b))
}

/** The same model with its matrices stored in bf16. */
private fun TestModel.inBf16(): TestModel = TestModel(graph, weights.mapValues { (_, matrix) -> bf16(matrix) }, "$this in bf16", 0)

private fun bf16(matrix: Matrix): Matrix {
    if (matrix.columns() == 1) return matrix
    val slab = matrix.slabs().single()
    val data = Arena.ofAuto().allocate(2L * matrix.rows() * matrix.columns(), 64)
    for (i in 0 until matrix.rows().toLong() * matrix.columns()) {
        Elements.set(DType.BF16, data, i, Elements.get(matrix.dtype(), slab.data(), i))
    }
    return Matrix.of(Tensor(DType.BF16, Shape.of(matrix.rows().toLong(), matrix.columns().toLong()), data))
}

class ArithmeticSpec : FunSpec({
    val float = randomModel(11) { it.copy(heads = 8, kvHeads = 8, headDim = 16, layers = 3, blocks = false, prefix = 0, learned = false) }
    val model = float.inBf16()
    val prompt = model.prompt(40, 1)

    fun logits(kernels: Kernels, weights: Weights = Weights { model.weights[it] }) =
        Program.compile(model.graph, weights, options(kernels).withThreads(2)).use { it.whole(prompt) }

    test("keys and values are read at half as many bytes in bf16") {
        val (exact, rounded) = Arithmetic.entries.map { arithmetic ->
            model.compile(options().withArithmetic(arithmetic)).use { it.work(2, 1, 30).cacheBytes() }
        }
        exact shouldBe 2 * rounded
    }

    for (kernels in listOf(ScalarKernels(DType.F32), VectorKernels())) {
        val name = kernels.describe().substringBefore(',')

        test("$name: logits in bf16 point where those in float32 do, and are not the same") {
            val exact = logits(kernels)
            val rounded = logits(kernels.with(Arithmetic.BFLOAT16))
            for (position in prompt.indices) cosine(rounded[position], exact[position]) shouldBeGreaterThanOrEqual LEAST_COSINE
            rounded.last().toList() shouldNotBe exact.last().toList()
        }

        for (by in listOf(Quantisation.Q8_0(), Quantisation.Q4_0())) {
            test("$name: logits of weights in $by point where they do in float32, and are not the same") {
                val quantised = Quantiser.quantise(float.graph, { float.weights[it] }, by, Arena.ofAuto(), 1) { _, _ -> }
                quantised.changes().shouldNotBeEmpty()
                val want = logits(kernels, quantised)
                val got = logits(kernels.with(Arithmetic.BFLOAT16), quantised)
                for (position in prompt.indices) cosine(got[position], want[position]) shouldBeGreaterThanOrEqual LEAST_COSINE
                got.last().toList() shouldNotBe want.last().toList()
            }
        }

        test("$name: a sequence written token by token in bf16 gets what it gets whole, to bf16's rounding") {
            val whole = logits(kernels.with(Arithmetic.BFLOAT16))
            model.compile(options(kernels).withArithmetic(Arithmetic.BFLOAT16)).use { program ->
                program.open(1, prompt.size).use { session ->
                    session.prefill(0, prompt[0])
                    for (i in 1 until prompt.size) {
                        session.decode(0, prompt[i])
                        cosine(session.row(0), whole[i]) shouldBeGreaterThanOrEqual LEAST_COSINE
                    }
                }
            }
        }
    }
})
