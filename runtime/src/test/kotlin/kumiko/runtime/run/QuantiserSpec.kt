package kumiko.runtime.run

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThan
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.property.checkAll
import kumiko.runtime.graph.Op
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import java.lang.foreign.Arena
import java.lang.foreign.ValueLayout

private val FORMATS: List<Quantisation> = listOf(Quantisation.Int8(6.0), Quantisation.Q8_0(), Quantisation.Q4_0())

class QuantiserSpec : FunSpec({
    fun TestModel.quantised(by: Quantisation, weights: Weights = Weights { this.weights[it] }): QuantisedWeights =
        Quantiser.quantise(graph, weights, by, Arena.ofAuto(), 2) { _, _ -> }

    fun TestModel.logits(weights: Weights, options: Options, prompt: IntArray) =
        Program.compile(graph, weights, options).use { it.whole(prompt) }

    fun Matrix.at(row: Int, column: Int): Double {
        val slab = slabs().first { it.indexOf(row) >= 0 && column - it.column() in 0 until it.columns() }
        val stored = Elements.get(dtype(), slab, slab.indexOf(row), column - slab.column())
        return stored * Elements.rowUnit(dtype(), slab, slab.indexOf(row))
    }

    test("the linear layers of the blocks are quantised, and nothing else") {
        val model = randomModel(3) { it.copy(heads = 2, kvHeads = 2, headDim = 16, layers = 2, gated = true, learned = true, tied = false) }
        val quantised = model.quantised(Quantisation.Int8(6.0))
        val layers = listOf("attention.query", "attention.key", "attention.value", "attention.out", "ffn.up", "ffn.gate", "ffn.down")
        quantised.changes().map {
            it.parameter()
        }.sorted() shouldBe List(2) { i -> layers.map { "blocks.$i.$it.weight" } }.flatten().sorted()
        for ((name, matrix) in model.weights) if (!name.startsWith("blocks")) (quantised.get(name) === matrix) shouldBe true
    }

    test("rows that are no whole blocks stay as they are, and it is said why") {
        val model = randomModel(3) { it.copy(heads = 2, kvHeads = 2, headDim = 16, layers = 1) }
        val quantised = model.quantised(Quantisation.Q4_0())
        quantised.kept() shouldBe mapOf("blocks.0.ffn.down.weight" to "rows of 37 are no multiple of 32")
        quantised.get("blocks.0.ffn.down.weight").dtype() shouldBe DType.F32
        quantised.get("blocks.0.ffn.up.weight").dtype() shouldBe DType.Q4_0
        model.quantised(Quantisation.Q8_0(), quantised).kept()["blocks.0.ffn.up.weight"] shouldBe "is stored as Q4_0"
    }

    test("no quantisation changes nothing") {
        val model = randomModel(4)
        val same = model.quantised(Quantisation.None())
        same.changes() shouldBe emptyList()
        for ((name, matrix) in model.weights) (same.get(name) === matrix) shouldBe true
    }

    test("views that are slices, transposes, interleaved and sums are quantised as their dense copies are") {
        val whole = Matrix.of(tensor(longArrayOf(128, 64)) { (it * 37 % 101 - 50) / 17.0 })
        val turned = Matrix.of(tensor(longArrayOf(64, 64)) { (it * 29 % 97 - 48) / 13.0 })
        val views = mapOf(
            "slice" to whole.rows(40, 64, 1),
            "every second row" to whole.rows(1, 64, 2),
            "transpose" to turned.transpose(),
            "interleaved" to Matrix.interleaveRows(whole.rows(0, 32, 1), whole.rows(32, 32, 1)),
            "column parts" to Matrix.stackColumns(listOf(whole.rows(0, 64, 1).columns(32, 32), turned.transpose().columns(0, 32))),
            "sum" to Matrix.sum(listOf(whole.rows(0, 64, 1), whole.rows(64, 64, 1))),
        )
        val model = randomModel(3) { it.copy(heads = 4, kvHeads = 2, headDim = 16, layers = 1, bias = false) }
        for ((name, view) in views) {
            for (by in FORMATS) {
                val copy = Matrix.of(tensor(longArrayOf(64, 64)) { view.elementAt(it / 64, it % 64) })
                val key = "blocks.0.attention.query.weight"
                val (got, want) = listOf(view, copy).map { m -> model.quantised(by) { if (it == key) m else model.weights[it] }.get(key) }
                withClue("$name in $by") { got.slabs().single().data().mismatch(want.slabs().single().data()) shouldBe -1 }
            }
        }
    }

    test("the error of a matrix is what its elements say") {
        val before = Matrix.of(tensor(longArrayOf(70, 64)) { (it * 37 % 101 - 50) / 17.0 })
        val model = randomModel(3) { it.copy(heads = 4, kvHeads = 2, headDim = 16, layers = 1) }
        val key = "blocks.0.attention.query.weight"
        for (by in FORMATS) {
            val own = before.rows(3, 64, 1)
            val after = model.quantised(by) { if (it == key) own else model.weights[it] }.get(key)
            val differences = (0 until 64).flatMap { r -> (0 until 64).map { own.at(r, it) - after.at(r, it).toFloat() } }
            val error = QuantisationError.of(own, after)
            error.elements() shouldBe 64L * 64
            error.largest() shouldBe differences.maxOf { kotlin.math.abs(it) }
            kotlin.math.abs(error.squares() - differences.sumOf { it * it }) shouldBeLessThan 1e-9
            error.relative() shouldBeLessThan 0.1
        }
    }

    test("int8 with everything an outlier is the float product with the rounded weights, exactly") {
        checkAll(20, models) { model ->
            val prompt = model.prompt(9, 1)
            val quantised = model.quantised(Quantisation.Int8(1e-30))
            val inFloats = model.weights.mapValues { (name, matrix) ->
                val after = quantised.get(name)
                if (after === matrix) {
                    matrix
                } else {
                    Matrix.of(
                        tensor(longArrayOf(after.rows().toLong(), after.columns().toLong())) {
                            after.at(it / after.columns(), it % after.columns())
                        },
                    )
                }
            }
            val options = options(ScalarKernels(DType.F64))
            val expected = model.logits({ inFloats[it] }, options, prompt)
            val actual = model.logits(quantised, options, prompt)
            for (i in prompt.indices) assertClose(actual[i], expected[i], { "position $i of $model" })
        }
    }

    test("activations are rounded once for all layers that read them") {
        val model = randomModel(5) { it.copy(residual = "sequential", gated = true, layers = 2) }
        Program.compile(model.graph, model.quantised(Quantisation.Int8(6.0)), options()).use { program ->
            val roundings = program.graph().nodes().filter { it.op() is Op.RoundInt8 }
            val inputs = List(2) { i -> listOf("norm1", "attention.mix", "norm2", "ffn.product").map { "blocks.$i.$it.int8" } }.flatten()
            roundings.map { it.name() } shouldBe inputs
            roundings.map { it.op() }.distinct() shouldBe listOf(Op.RoundInt8(6.0))
        }
        Program.compile(model.graph, model.quantised(Quantisation.Q8_0()), options()).use { program ->
            program.graph().nodes().none { it.op() is Op.RoundInt8 } shouldBe true
        }
    }

    test("a quantised model keeps the laws of a session: cached, batched and in pieces it gets what it gets whole and alone") {
        checkAll(15, models) { model ->
            for (by in FORMATS) {
                val weights = model.quantised(by)
                val text = model.prompt(9, 1) + IntArray(3) { 3 + it * 7 % (model.vocab - 3) }
                val expected = model.logits(weights, options(), text)
                Program.compile(model.graph, weights, options().withChunkRows(4)).use { program ->
                    program.open(2, text.size).use { session ->
                        session.prefill(arrayOf(text.copyOf(text.size - 3), model.prompt(5, 2)))
                        for (i in text.size - 3 until text.size) session.decode(intArrayOf(text[i], Session.SKIP))
                        assertClose(session.row(0), expected.last(), { "$by of $model" })
                    }
                }
            }
        }
    }

    test("coarser formats are further from the model, in their order") {
        val model = randomModel(3) { it.copy(heads = 4, kvHeads = 4, headDim = 16, layers = 2, gated = false) }
        val prompt = model.prompt(12, 1)
        val exact = model.compile().use { it.whole(prompt) }
        val distances = FORMATS.drop(1).map { by ->
            val actual = model.logits(model.quantised(by), options(), prompt)
            prompt.indices.maxOf { i -> actual[i].indices.maxOf { kotlin.math.abs(actual[i][it] - exact[i][it]) } }
        }
        0.0 shouldBeLessThan distances[0]
        distances[0] shouldBeLessThan distances[1]
        distances[1] shouldBeLessThanOrEqual 1.0
    }

    test("numbers that are none, infinite or too large are refused, all weights at once") {
        val model = randomModel(3) { it.copy(heads = 2, kvHeads = 2, headDim = 16, layers = 1, gated = false) }
        fun spoilt(vararg values: Pair<String, Float>) = model.weights.mapValues { (name, matrix) ->
            val value = values.toMap()[name] ?: return@mapValues matrix
            val copy = kumiko.runtime.tensor.Dense.copy(matrix, Arena.ofAuto())
            copy.slabs().single().data().setAtIndex(ValueLayout.JAVA_FLOAT, 2L * matrix.columns() + 5, value)
            copy
        }
        val bad = spoilt("blocks.0.attention.key.weight" to Float.NaN, "blocks.0.ffn.up.weight" to Float.NEGATIVE_INFINITY)
        for (by in FORMATS) {
            val largest = by.dtype().map(kumiko.runtime.tensor.RowEncoder::largest).get()
            shouldThrow<IllegalArgumentException> { model.quantised(by) { bad[it] } }.message shouldBe
                """
                random: 2 weights cannot be quantised; is the checkpoint damaged?
                  blocks.0.attention.key.weight  element [2, 5] is NaN, but $by holds numbers up to $largest
                  blocks.0.ffn.up.weight  element [2, 5] is -Infinity, but $by holds numbers up to $largest
                """.trimIndent()
        }
        val large = spoilt("blocks.0.attention.key.weight" to 1e6f)
        shouldThrow<IllegalArgumentException> { model.quantised(Quantisation.Q4_0()) { large[it] } }.message shouldBe
            "random: 1 weight cannot be quantised; is the checkpoint damaged?\n" +
            "  blocks.0.attention.key.weight  element [2, 5] is 1000000.0, but q4_0 holds numbers up to 524032.0"
    }

    test("int8 weights without their threshold are refused") {
        val model = randomModel(3) { it.copy(heads = 2, kvHeads = 2, headDim = 16, layers = 1) }
        val quantised = model.quantised(Quantisation.Int8(6.0))
        shouldThrow<IllegalArgumentException> { Program.compile(model.graph, { quantised.get(it) }, options()) }.message shouldBe
            "random: blocks.0.attention.query.weight is I8_ROWS, but its weights do not say " +
            "from which magnitude on activations are kept; hand over the QuantisedWeights themselves, not their get"
    }

    test("a quantisation is written and read by its name") {
        for (by in FORMATS + Quantisation.None() + Quantisation.Int8(Double.POSITIVE_INFINITY)) Quantisation.parse("$by") shouldBe by
        Quantisation.parse("int8:6") shouldBe Quantisation.Int8(6.0)
        fun refused(text: String) = shouldThrow<IllegalArgumentException> { Quantisation.parse(text) }.message
        refused("q5") shouldBe "\"q5\" is no quantisation: choose int8:6.0, q8_0, q4_0 or none"
        refused("int8") shouldBe "\"int8\" is no quantisation: choose int8:6.0, q8_0, q4_0 or none; " +
            "int8 says from which magnitude on activations are kept, the published one is 6.0"
        refused("int8:six") shouldBe "\"six\" is no threshold: write a number above 0, as in int8:6.0"
        refused("int8:0") shouldBe "the threshold of int8 is a number above 0, not 0.0; the published one is 6.0"
        refused("int8:NaN") shouldBe "the threshold of int8 is a number above 0, not NaN; the published one is 6.0"
    }
})

private fun Matrix.elementAt(row: Int, column: Int): Double = slabs().sumOf { slab ->
    val index = slab.indexOf(row)
    val c = column - slab.column()
    if (index < 0 || c !in 0 until slab.columns()) {
        0.0
    } else {
        Elements.get(dtype(), slab.data(), slab.offset() + index * slab.rowStride() + c * slab.columnStride())
    }
}
