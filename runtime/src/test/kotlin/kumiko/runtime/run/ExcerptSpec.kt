package kumiko.runtime.run

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.shouldBe
import io.kotest.property.checkAll
import kumiko.runtime.graph.Op
import java.lang.foreign.Arena

class ExcerptSpec : FunSpec({
    /** Every observable node's value for a prompt. */
    fun TestModel.values(prompt: IntArray): Map<String, DoubleArray> = buildMap {
        compile(options().capture("*")).use { program ->
            program.open(1, prompt.size).use { session ->
                session.onCapture { value -> put(value.node(), DoubleArray(value.shape().elements().toInt()) { value.get(it.toLong()) }) }
                session.prefill(0, *prompt)
            }
        }
    }

    fun Excerpt.run(model: TestModel, values: Map<String, DoubleArray>, prompt: IntArray): DoubleArray = Arena.ofConfined().use { arena ->
        var found: DoubleArray? = null
        val observed = options().capture(wanted()).replace(*given().toTypedArray())
        Program.compile(graph(), weights(model.weights::get, arena), observed).use { program ->
            program.open(1, prompt.size).use { session ->
                session.onReplace { value -> values.getValue(value.node()).forEachIndexed { i, x -> value.set(i.toLong(), x) } }
                session.onCapture { value -> found = DoubleArray(value.shape().elements().toInt()) { value.get(it.toLong()) } }
                session.prefill(0, *prompt)
            }
        }
        found!!
    }

    test("every node is computed from the values of the others as it is in the whole graph") {
        checkAll(8, models) { model ->
            val prompt = model.prompt(5, 1)
            val values = model.values(prompt)
            for (wanted in values.keys) {
                val excerpt = Excerpt.of(model.graph, values.keys, wanted)
                assertClose(excerpt.run(model, values, prompt), values.getValue(wanted), { "$wanted of $model" })
            }
        }
    }

    test("a node is computed from values far before it, and what those need is left out") {
        checkAll(8, models) { model ->
            val prompt = model.prompt(5, 1)
            val values = model.values(prompt)
            val first = if ("embedding" in values) "embedding" else "tokens.embedding"
            val excerpt = Excerpt.of(model.graph, setOf(first), "logits")
            excerpt.given() shouldBe listOf(first)
            excerpt.graph().nodes().none { it.op() is Op.Parameter && it.name() == "positions.weight" } shouldBe true
            assertClose(excerpt.run(model, values, prompt), values.getValue("logits"), { "logits of $model" })
        }
    }

    test("scores and caches cannot be given and are computed again") {
        val model = randomModel(21) { it.copy(blocks = false, learned = true, mask = kumiko.runtime.graph.Mask.Causal()) }
        val known = setOf("blocks.0.attention.scores", "blocks.0.attention.keys", "embedding")
        val excerpt = Excerpt.of(model.graph, known, "blocks.0.attention.probabilities")
        excerpt.given() shouldBe listOf("embedding")
        excerpt.graph().nodes().map { it.name() } shouldContain "blocks.0.attention.scores"
    }

    test("a node that is not there is refused by name") {
        val model = randomModel(21)
        shouldThrow<IllegalArgumentException> { Excerpt.of(model.graph, emptySet(), "blocks.9") }.message shouldBe
            "${model.graph.name()} has no node blocks.9"
    }
})
