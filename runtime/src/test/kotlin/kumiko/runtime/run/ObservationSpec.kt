package kumiko.runtime.run

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainAll
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.shouldBe
import io.kotest.property.checkAll
import kumiko.runtime.graph.Mask
import kumiko.runtime.graph.Op
import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.ValueLayout

private fun TestModel.values(prompt: IntArray, options: Options): Map<String, List<Double>> = buildMap {
    compile(options.capture("*")).use { program ->
        program.open(1, prompt.size).use { session ->
            session.onCapture { value ->
                put(value.node(), List(value.shape().elements().toInt()) { value.get(it.toLong()) })
            }
            session.prefill(0, *prompt)
        }
    }
}

class ObservationSpec : FunSpec({
    test("every node but weights and sources is handed out once, in order, with its shape") {
        checkAll(30, models) { model ->
            val prompt = model.prompt(5, 1)
            val seen = mutableListOf<NodeValue>()
            model.compile(options().capture("*")).use { program ->
                program.open(2, 16).use { session ->
                    session.onCapture { seen += it }
                    session.prefill(1, *prompt)
                    val names = model.graph.nodes().filter { it.op() !is Op.Parameter && it.op() !is Op.Input }.map { it.name() }
                    seen.map { it.node() }.toSet() shouldBe names.toSet()
                    seen.size shouldBe names.size
                    seen.all { it.slot() == 1 && it.position() == 0 } shouldBe true
                }
            }
        }
    }

    test("probabilities of every head and row are those of a softmax over what the row sees") {
        checkAll(30, models) { model ->
            val prompt = model.prompt(6, 1)
            model.compile(options().capture("blocks.*.attention.probabilities")).use { program ->
                program.open(1, 16).use { session ->
                    session.onCapture { value ->
                        val keys = value.shape().dim(2).toInt()
                        val sums = List((value.shape().elements() / keys).toInt()) { row ->
                            (0 until keys).sumOf { value.get(row.toLong() * keys + it) }
                        }
                        sums.forEach { it shouldBe (1.0 plusOrMinus ROUNDING) }
                    }
                    session.prefill(0, *prompt)
                }
            }
        }
    }

    test("rows that lie apart in memory, as those of 256 numbers do unless somebody looks, hold what rows without gaps hold") {
        for (seed in 1..6) {
            val model = randomModel(seed) {
                it.copy(heads = 4, kvHeads = 2, headDim = 64, mask = Mask.Causal(), blocks = false, prefix = 0)
            }
            val prompt = model.prompt(40, 1)
            fun logits(options: Options) = model.compile(options).use { program ->
                program.open(1, 64).use { session ->
                    session.prefill(0, *prompt)
                    session.decode(0, 3)
                    session.logits(0).toArray(ValueLayout.JAVA_FLOAT)
                }
            }
            logits(options()) shouldBe logits(options().capture("logits"))
        }
    }

    test("rows of several sequences are handed out sequence by sequence, with their positions") {
        val model = randomModel(11) { it.copy(mask = Mask.Causal(), blocks = false, prefix = 2) }
        val seen = mutableListOf<String>()
        model.compile(options().capture("blocks.0", "blocks.0.attention.*s").withChunkRows(4)).use { program ->
            program.open(2, 8).use { session ->
                session.onCapture { seen += "${it.node()} ${it.slot()} ${it.position()} ${it.shape()}" }
                session.prefill(arrayOf(intArrayOf(1, 2, 3), intArrayOf(4, 5)))
            }
        }
        val c = model.graph.byName().getValue("blocks.0.attention.scores").op() as Op.Scores
        val width = c.heads() * c.headDim()
        seen.filter { it.startsWith("blocks.0 ") } shouldBe
            listOf("blocks.0 0 0 [3, $width]", "blocks.0 1 0 [1, $width]", "blocks.0 1 1 [1, $width]")
        seen shouldContainAll listOf(
            "blocks.0.attention.scores 0 0 [${c.heads()}, 3, 5]",
            "blocks.0.attention.scores 1 1 [${c.heads()}, 1, 4]",
            "blocks.0.attention.keys 1 1 [${c.kvHeads()}, 4, ${c.headDim()}]",
        )
    }

    test("keys and values that are kept as bf16 are handed out in the activation type") {
        val model = randomModel(11) { it.copy(mask = Mask.Causal(), blocks = false, prefix = 0) }
        val seen = mutableListOf<Double>()
        val types = mutableSetOf<DType>()
        model.compile(options().withArithmetic(Arithmetic.BFLOAT16).capture("blocks.0.attention.values")).use { program ->
            program.open(1, 8).use { session ->
                session.onCapture { value ->
                    types += value.dtype()
                    value.data().byteSize() shouldBe 4 * value.shape().elements()
                    seen += List(value.shape().elements().toInt()) { value.get(it.toLong()) }
                }
                session.prefill(0, 1, 2, 3)
            }
        }
        types shouldBe setOf(DType.F32)
        seen.any { it != 0.0 } shouldBe true
        seen shouldBe seen.map { Elements.nearestBfloat16(it.toFloat()).toDouble() }
    }

    test("a value written over is what the rest of the graph reads, in prefill and in decode") {
        checkAll(20, models) { model ->
            val prompt = model.prompt(5, 1)
            val text = prompt + 4
            val edited = "blocks.0"
            fun Session.edit() = onReplace { value ->
                val width = value.shape().dim(1)
                for (i in 0 until value.shape().elements()) value.set(i, value.get(i) * (i % width % 3))
            }
            model.compile(options().replace(edited)).use { program ->
                val whole = mutableListOf<DoubleArray>()
                program.open(1, text.size).use { session ->
                    session.edit()
                    session.prefill(0, text) { _, logits -> whole += logits.toDoubles(program.activations()) }
                }
                program.open(1, text.size).use { session ->
                    session.edit()
                    session.prefill(0, *prompt)
                    assertClose(session.row(0), whole[prompt.size - 1], { "prompt of $model" })
                    session.decode(0, 4)
                    assertClose(session.row(0), whole.last(), { "decoding of $model" })
                }
                if (model.graph.byName().containsKey("blocks.1")) {
                    val untouched = program.whole(text)
                    (0 until model.vocab).any { kotlin.math.abs(untouched.last()[it] - whole.last()[it]) > ROUNDING } shouldBe true
                }
            }
        }
    }

    test("setting a value to itself changes nothing, setting a block to another run's block gives that run's logits") {
        val model = randomModel(21) { it.copy(mask = Mask.Causal(), blocks = false, layers = 2, residual = "sequential") }
        val first = intArrayOf(1, 2, 3, 4)
        val second = intArrayOf(4, 3, 2, 1)
        val donor = model.values(first, options()).getValue("blocks.1")
        model.compile(options().replace("blocks.1")).use { program ->
            val expected = program.whole(first)
            program.open(1, 4).use { session ->
                session.onReplace { value -> donor.forEachIndexed { i, element -> value.set(i.toLong(), element) } }
                session.prefill(0, *second)
                assertClose(session.row(0), expected.last(), { "patched logits" })
            }
        }
    }

    test("a listener that throws leaves the slot empty and the session usable") {
        val model = randomModel(21) { it.copy(mask = Mask.Causal(), blocks = false) }
        model.compile(options().capture("blocks.0")).use { program ->
            program.open(1, 8).use { session ->
                session.onCapture { error("enough") }
                runCatching { session.prefill(0, 1, 2) }.exceptionOrNull()?.message shouldBe "enough"
                session.length(0) shouldBe 0
                session.onCapture(null)
                session.prefill(0, 1, 2)
                assertClose(session.row(0), program.whole(intArrayOf(1, 2)).last(), { "after the failure" })
            }
        }
    }
})
