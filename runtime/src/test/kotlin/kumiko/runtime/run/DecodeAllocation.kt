package kumiko.runtime.run

import com.sun.management.ThreadMXBean
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Mask
import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.kernel.VectorKernels
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Dense
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.management.ManagementFactory

private const val TOKENS = 50
private const val WINDOWS = 2000
private const val QUIET_WINDOWS = 3

/**
 * Decodes window by window until the compiler has settled, and prints the bytes that all threads allocated in the last window. Run in a
 * JVM of its own, as a user's would be: what other tests taught the compiler does not count. Before it has settled vectors are objects:
 * only the optimising compiler keeps them in registers.
 *
 * Arguments: the kernels, `scalar`, `vector` or `bf16` (vector kernels with products of bf16); how weights are stored, `f32`, `bf16`,
 * `f16` or a quantisation as [Quantisation.parse] reads it; and how many sequences are decoded together.
 */
fun main(args: Array<String>) {
    val kernels = when (args[0]) {
        "scalar" -> ScalarKernels(DType.F32)
        "bf16" -> VectorKernels().with(Arithmetic.BFLOAT16)
        else -> VectorKernels()
    }
    println(families().sumOf { steadyAllocation(it, stored(it, args[1]), kernels, args[2].toInt()) })
}

/** Of LLaMA's kind, and of GPT-NeoX's: the layers they differ in have kernels of their own. */
private fun families(): List<TestModel> {
    val common = { c: Choices -> c.copy(heads = 8, headDim = 16, mask = Mask.Causal(), blocks = false, prefix = 0, learned = false) }
    return listOf(
        randomModel(3) { common(it).copy(kvHeads = 4, layers = 2, rms = true, gated = true, residual = "sequential") },
        randomModel(3) {
            common(it).copy(kvHeads = 8, layers = Activation.entries.size, rms = false, gated = false, bias = true, residual = "parallel")
        },
    )
}

private fun stored(model: TestModel, type: String): Weights {
    val dtype = DType.entries.find { it.name.lowercase() == type && !it.isQuantised }
    val quantisation = if (dtype == null) type else "none"
    val weights = model.weights.mapValues { (_, matrix) -> if (dtype == null || matrix.rows() == 1) matrix else rounded(matrix, dtype) }
    return Quantiser.quantise(model.graph, { weights[it] }, Quantisation.parse(quantisation), Arena.ofAuto(), 1) { _, _ -> }
}

private fun rounded(matrix: Matrix, dtype: DType): Matrix {
    val dense = Dense.copy(matrix, Arena.ofAuto()).slabs().single().data()
    val shape = Shape.of(matrix.rows().toLong(), matrix.columns().toLong())
    val data = Arena.ofAuto().allocate(dtype.bytes(shape.elements()), 64)
    for (i in 0 until shape.elements()) Elements.set(dtype, data, i, Elements.get(matrix.dtype(), dense, i))
    return Matrix.of(Tensor(dtype, shape, data))
}

private fun steadyAllocation(model: TestModel, weights: Weights, kernels: Kernels, sequences: Int): Long {
    Program.compile(model.graph, weights, options(kernels).withThreads(2)).use { program ->
        program.open(sequences, 2 + TOKENS).use { session ->
            val window = Window(session, sequences)
            var quiet = 0
            var last = 0L
            repeat(WINDOWS) {
                last = window.allocated()
                quiet = if (last == 0L) quiet + 1 else 0
                if (quiet == QUIET_WINDOWS) return 0
            }
            return last
        }
    }
}

private class Window(private val session: Session, private val sequences: Int) {
    private val beans = ManagementFactory.getThreadMXBean() as ThreadMXBean
    private val threads = Thread.getAllStackTraces().keys
        .filter { it.name.startsWith("kumiko-worker") || it == Thread.currentThread() }
        .map { it.threadId() }
        .toLongArray()
    private val samplers = listOf(Sampler.of(0.8, 10, 0.9, 1), Sampler.of(0.8, 0, 0.9, 1))
    private val tokens = IntArray(sequences)

    /** Bytes of one window of tokens; what asking for them takes is left out. */
    fun allocated(): Long {
        for (s in 0 until sequences) session.clear(s)
        session.prefill(Array(sequences) { if (it % 2 == 0) intArrayOf(1, 2) else intArrayOf(3) })
        val first = beans.getThreadAllocatedBytes(threads).sum()
        val second = beans.getThreadAllocatedBytes(threads).sum()
        repeat(TOKENS) {
            for (s in 0 until sequences) tokens[s] = session.sample(s, samplers[s % 2])
            session.decode(tokens)
        }
        val third = beans.getThreadAllocatedBytes(threads).sum()
        return (third - second) - (second - first)
    }
}
