package kumiko.runtime.run

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.checkAll
import kumiko.runtime.graph.Pass
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.kernel.VectorKernels
import kumiko.runtime.tensor.DType

private const val RUNS = 60

/** Logits of a prompt's last token and of those that follow it one by one. */
private fun TestModel.written(kernels: Kernels, threads: Int): List<DoubleArray> {
    val prompt = prompt(40, 5)
    val text = intArrayOf(3, 4, 3)
    return compile(options(kernels).withThreads(threads)).use { program ->
        program.open(1, prompt.size + text.size).use { session ->
            session.prefill(0, *prompt)
            listOf(session.row(0)) + text.map {
                session.decode(0, it)
                session.row(0)
            }
        }
    }
}

class SessionLawsSpec : FunSpec({
    test("a sequence continued from its cache gets what it would get from the beginning") {
        checkAll(RUNS, models) { model ->
            model.compile().use { program ->
                val prompt = model.prompt(9, 1)
                val text = prompt + IntArray(5) { 3 + it * 7 % (model.vocab - 3) }
                val expected = program.whole(text)
                program.open(1, text.size).use { session ->
                    session.prefill(0, *prompt)
                    assertClose(session.row(0), expected[prompt.size - 1], { "prompt of $model" })
                    for (i in prompt.size until text.size) {
                        session.decode(0, text[i])
                        assertClose(session.row(0), expected[i], { "position $i of $model" })
                    }
                }
            }
        }
    }

    test("a sequence in a batch gets what it gets alone") {
        checkAll(RUNS, models) { model ->
            model.compile().use { program ->
                val prompts = arrayOf(model.prompt(7, 1), model.prompt(1, 2), model.prompt(12, 3))
                program.open(4, 16).use { session ->
                    session.prefill(arrayOf(prompts[0], null, prompts[1], prompts[2]))
                    session.decode(intArrayOf(3, Session.SKIP, Session.SKIP, 4))
                    val slots = listOf(0 to prompts[0] + 3, 2 to prompts[1], 3 to prompts[2] + 4)
                    for ((slot, text) in slots) assertClose(session.row(slot), program.whole(text).last(), { "slot $slot of $model" })
                }
            }
        }
    }

    test("a prompt in pieces gets what it gets whole") {
        checkAll(RUNS, models) { model ->
            val prompts = Array(3) { model.prompt(8 + it, it) }
            model.compile().use { whole ->
                model.compile(options().withChunkRows(3)).use { pieces ->
                    pieces.open(3, 12).use { session ->
                        session.prefill(prompts)
                        for (s in prompts.indices) assertClose(session.row(s), whole.whole(prompts[s]).last(), { "slot $s of $model" })
                    }
                }
            }
        }
    }

    test("any number of threads computes, bit for bit, what one computes") {
        checkAll(RUNS, models) { model ->
            for (kernels in listOf(ScalarKernels(DType.F32), VectorKernels())) {
                val one = model.written(kernels, 1)
                for (threads in listOf(2, 3, 17)) model.written(kernels, threads).zip(one) { got, want -> got shouldBe want }
            }
        }
    }

    test("more threads than groups of heads that are computed together change no bit") {
        val model =
            randomModel(3) { it.copy(heads = 8, kvHeads = 2, headDim = 16, layers = 2, blocks = false, prefix = 0, fill = Double.NaN) }
        val one = model.written(VectorKernels(), 1)
        for (threads in listOf(2, 3, 17)) model.written(VectorKernels(), threads).zip(one) { got, want -> got shouldBe want }
    }

    test("vector kernels compute what the scalar ones define, in float32 and in float64") {
        checkAll(RUNS, models) { model ->
            val prompt = model.prompt(11, 5)
            val exact = model.compile(options(ScalarKernels(DType.F64))).use { it.whole(prompt) }
            for (kernels in listOf(ScalarKernels(DType.F32), VectorKernels())) {
                val rounded = model.compile(options(kernels)).use { it.whole(prompt) }
                for (i in prompt.indices) {
                    assertClose(
                        rounded[i],
                        exact[i],
                        { "position $i, ${kernels.describe()}, of $model" },
                        2 * ROUNDING,
                    )
                }
            }
        }
    }

    test("every combination of passes computes what the graph says") {
        val combinations = (0 until (1 shl Pass.entries.size)).map { bits ->
            Pass.entries.filter { bits shr it.ordinal and 1 == 1 }.toSet()
        }
        checkAll(RUNS / 3, models) { model ->
            val prompt = model.prompt(9, 2)
            val expected = model.compile(options().withPasses(emptySet())).use { it.whole(prompt) }
            for (passes in combinations) {
                val actual = model.compile(options().withPasses(passes)).use { it.whole(prompt) }
                for (i in prompt.indices) assertClose(actual[i], expected[i], { "position $i with $passes of $model" })
            }
        }
    }

    test("what is looked at does not change what is computed") {
        checkAll(RUNS, models) { model ->
            val prompt = model.prompt(9, 2)
            val expected = model.compile().use { it.whole(prompt) }
            model.compile(options().capture("*")).use { program ->
                program.open(1, 16).use { session ->
                    session.onCapture { }
                    session.prefill(0, *prompt)
                    assertClose(session.row(0), expected.last(), { "$model" })
                }
            }
        }
    }
})
