package kumiko.runtime.run

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Rows
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.reflect.Proxy

/** What no two threads share. */
private const val LINE = 32

private const val INPUTS = 64

class LinearStepSpec : FunSpec({
    val arena = Arena.ofAuto()

    /** The columns that each of [threads] computes of a layer with so many outputs, when each does its own share and no more. */
    fun shares(threads: Int, rows: Int, outputs: Int, inputs: Int = INPUTS): List<List<IntRange>> {
        val parts = Phase.PARTS_PER_WORKER * threads
        val seen = List(threads) { mutableListOf<IntRange>() }
        var thread = 0
        val kernels = Proxy.newProxyInstance(Kernels::class.java.classLoader, arrayOf(Kernels::class.java)) { _, method, arguments ->
            if (method.name == "linear") seen[thread] += arguments[5] as Int until arguments[6] as Int
            if (method.name == "prepares") false else null
        } as Kernels
        val weight = Matrix.of(
            Tensor(DType.BF16, Shape.of(outputs.toLong(), inputs.toLong()), MemorySegment.NULL.reinterpret(2L * outputs * inputs)),
        )
        val x = Rows(arena.allocate(4L * rows * inputs), inputs)
        val y = Parts(Rows(arena.allocate(4L * rows * outputs), outputs), LINE, parts)
        val step = LinearStep(kernels, weight, null, x, null, y, null, 1.0, false, false, null, Scratch(arena, threads, 8))
        val call = Call(arena, rows, 1, emptyList()).apply {
            begin(0, 0)
            repeat(rows) { nextRow() }
        }
        while (thread < threads) {
            val first = thread * Phase.PARTS_PER_WORKER
            // As a team hands them out: half, a quarter, and so on.
            var from = first
            while (from < first + Phase.PARTS_PER_WORKER) {
                val to = from + Math.ceilDiv(first + Phase.PARTS_PER_WORKER - from, 2)
                step.run(call, from, to, parts, thread)
                from = to
            }
            thread++
        }
        return seen
    }

    test("threads, however many, get as much of a layer as one another to a line of memory, and together all of it once") {
        for (threads in listOf(2, 3, 4, 8, 16, 48)) {
            for (rows in listOf(1, 8, 64)) {
                for (outputs in listOf(512, 768, 2048, 2304, 8192, 50_257)) {
                    withClue("$threads threads, $rows rows, $outputs outputs") {
                        val shares = shares(threads, rows, outputs)
                        val most = Math.ceilDiv(Math.ceilDiv(outputs, LINE), threads) * LINE
                        for (own in shares) own.sumOf { it.count() } shouldBeLessThanOrEqual most
                        shares.flatten().flatten().sorted() shouldBe (0 until outputs).toList()
                    }
                }
            }
        }
    }

    test("one row is shared out in pieces worth beginning, as far as a thread has them") {
        fun least(threads: Int, outputs: Int, inputs: Int = INPUTS) = shares(threads, 1, outputs, inputs).flatten().minOf { it.count() }
        least(2, 8192) shouldBe 128
        least(2, 2048, 8192) shouldBe 32
        least(2, 768) shouldBe 96
        least(16, 2048) shouldBe 64
        least(16, 512) shouldBe 32
    }
})
