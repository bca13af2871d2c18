package kumiko.runtime.run

import com.sun.management.ThreadMXBean
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Mask
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.kernel.VectorKernels
import kumiko.runtime.tensor.DType
import java.lang.foreign.Arena
import java.lang.management.ManagementFactory

private const val TOKENS = 50
private const val WINDOWS = 2000
private const val QUIET_WINDOWS = 3

/**
 * Decodes window by window until the compiler has settled, and prints the bytes that all threads allocated in the last window. Run in a
 * JVM of its own, as a user's would be: what other tests taught the compiler does not count. Before it has settled vectors are objects:
 * only the optimising compiler keeps them in registers.
 */
fun main(args: Array<String>) {
    val kernels = if (args[0] == "vector") VectorKernels() else ScalarKernels(DType.F32)
    println(families().sumOf { steadyAllocation(it, kernels, Quantisation.parse(args[1])) })
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

private fun steadyAllocation(model: TestModel, kernels: Kernels, quantisation: Quantisation): Long {
    val weights = Quantiser.quantise(model.graph, { model.weights[it] }, quantisation, Arena.ofAuto(), 1) { _, _ -> }
    Program.compile(model.graph, weights, options(kernels).withThreads(2)).use { program ->
        program.open(2, 2 + TOKENS).use { session ->
            session.prefill(arrayOf(intArrayOf(1, 2), intArrayOf(3)))
            val window = Window(session)
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

private class Window(private val session: Session) {
    private val beans = ManagementFactory.getThreadMXBean() as ThreadMXBean
    private val threads = Thread.getAllStackTraces().keys
        .filter { it.name.startsWith("kumiko-worker") || it == Thread.currentThread() }
        .map { it.threadId() }
        .toLongArray()
    private val samplers = listOf(Sampler.of(0.8, 10, 0.9, 1), Sampler.of(0.8, 0, 0.9, 1))
    private val tokens = IntArray(2)

    /** Bytes of one window of tokens; what asking for them takes is left out. */
    fun allocated(): Long {
        session.clear(0)
        session.clear(1)
        session.prefill(arrayOf(intArrayOf(1, 2), intArrayOf(3)))
        val first = beans.getThreadAllocatedBytes(threads).sum()
        val second = beans.getThreadAllocatedBytes(threads).sum()
        repeat(TOKENS) {
            tokens[0] = session.sample(0, samplers[0])
            tokens[1] = session.sample(1, samplers[1])
            session.decode(tokens)
        }
        val third = beans.getThreadAllocatedBytes(threads).sum()
        return (third - second) - (second - first)
    }
}
