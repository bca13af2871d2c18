package kumiko.runtime.run

import com.sun.management.ThreadMXBean
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import kumiko.runtime.graph.Mask
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.kernel.VectorKernels
import kumiko.runtime.tensor.DType
import java.lang.management.ManagementFactory
import java.nio.file.Files
import java.nio.file.Path

private const val WINDOW = 50
private const val MOST_WINDOWS = 1000

private val beans = ManagementFactory.getThreadMXBean() as ThreadMXBean

private fun allocated(threads: LongArray) = beans.getThreadAllocatedBytes(threads).sum()

/** Bytes that decoding allocates in two windows of tokens one after the other, once the compiler has settled. */
private fun steadyAllocation(kernels: Kernels): Long {
    val model = randomModel(3) {
        it.copy(heads = 8, kvHeads = 4, headDim = 16, layers = 2, mask = Mask.Causal(), blocks = false, prefix = 0, learned = false)
    }
    model.compile(options(kernels).withThreads(2)).use { program ->
        program.open(2, 2 + WINDOW).use { session ->
            val samplers = listOf(Sampler.of(0.8, 10, 0.9, 1), Sampler.of(0.8, 0, 0.9, 1))
            val tokens = IntArray(2)
            session.prefill(arrayOf(intArrayOf(1, 2), intArrayOf(3)))
            val workers = Thread.getAllStackTraces().keys.filter { it.name.startsWith("kumiko-worker") }.map { it.threadId() }
            val threads = (workers + Thread.currentThread().threadId()).toLongArray()
            var quiet = 0
            var last = 0L
            repeat(MOST_WINDOWS) {
                session.clear(0)
                session.clear(1)
                session.prefill(arrayOf(intArrayOf(1, 2), intArrayOf(3)))
                val before = allocated(threads)
                val none = allocated(threads) - before
                val start = allocated(threads)
                for (i in 0 until WINDOW) {
                    tokens[0] = session.sample(0, samplers[0])
                    tokens[1] = session.sample(1, samplers[1])
                    session.decode(tokens)
                }
                last = allocated(threads) - start - none
                quiet = if (last <= 0L) quiet + 1 else 0
                if (quiet == 2) return 0
            }
            return last
        }
    }
}

class AllocationSpec : FunSpec({
    test("decoding with scalar kernels allocates nothing on any thread") {
        steadyAllocation(ScalarKernels(DType.F32)) shouldBe 0
    }

    test("decoding with vector kernels allocates nothing on any thread") {
        steadyAllocation(VectorKernels()) shouldBe 0
    }

    test("a cache takes room only as far as it is filled").config(enabled = Files.exists(Path.of("/proc/self/statm"))) {
        val model = randomModel(3) {
            it.copy(heads = 8, kvHeads = 8, headDim = 16, layers = 2, mask = Mask.Causal(), blocks = false, learned = false)
        }
        model.compile().use { program ->
            val before = residentBytes()
            program.open(8, 250_000).use { session ->
                session.prefill(5, 1, 2, 3)
                residentBytes() - before shouldBeLessThan (200L shl 20)
            }
        }
    }
})

private fun residentBytes() = Files.readString(Path.of("/proc/self/statm")).split(' ')[1].toLong() * 4096
