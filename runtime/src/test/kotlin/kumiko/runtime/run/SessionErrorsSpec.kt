package kumiko.runtime.run

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.runtime.graph.Mask
import kumiko.runtime.graph.Positions
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.MemorySegment

private fun plain(change: (Choices) -> Choices = { it }) = randomModel(7) {
    change(it.copy(mask = Mask.Causal(), blocks = false, prefix = 0, learned = true))
}

private fun refusal(model: TestModel, slots: Int, capacity: Int, run: (Session) -> Unit): String? =
    model.compile().use { program -> program.open(slots, capacity).use { shouldThrow<IllegalArgumentException> { run(it) }.message } }

class SessionErrorsSpec : FunSpec({
    test("an empty prompt is refused") {
        refusal(plain(), 1, 4) { it.prefill(0) } shouldBe "random: the prompt of slot 0 is empty; it needs at least 1 token"
    }

    test("a token outside the vocabulary is named with its place") {
        val model = plain()
        refusal(model, 2, 8) { it.prefill(1, 3, model.vocab, 4) } shouldBe
            "random: token id ${model.vocab} at position 1 of slot 1 is outside the vocabulary of ${model.vocab} ids " +
            "(0 to ${model.vocab - 1}); was the text encoded with another model's tokenizer?"
    }

    test("a sequence longer than the capacity is refused with the capacity that it needs") {
        refusal(plain(), 1, 4) {
            it.prefill(0, 1, 2, 3)
            it.prefill(0, 1, 2)
        } shouldBe "random: slot 0 holds 3 tokens and cannot take 2 more, its capacity is 4; open the session with a capacity of at least 5"
    }

    test("a position beyond the learned ones is refused") {
        refusal(plain(), 1, 100) { it.prefill(0, IntArray(65), null) } shouldBe
            "random: slot 0 reaches position 64, but positions.weight has 64 learned positions (0 to 63); " +
            "shorten the prompt or generate fewer tokens"
    }

    test("decoding a slot without a prompt is refused") {
        refusal(plain(), 2, 4) { it.decode(intArrayOf(Session.SKIP, 1)) } shouldBe
            "random: slot 1 has no prompt yet; prefill it before decoding"
    }

    test("a wrong number of tokens is refused") {
        refusal(plain(), 2, 4) { it.decode(intArrayOf(1)) } shouldBe "random: 1 tokens for 2 slots; give Session.SKIP for a slot to skip"
    }

    test("a refused call changes nothing") {
        val model = plain()
        model.compile().use { program ->
            program.open(2, 8).use { session ->
                session.prefill(arrayOf(intArrayOf(1, 2), intArrayOf(3)))
                val before = session.row(0)
                shouldThrow<IllegalArgumentException> { session.decode(intArrayOf(1, model.vocab)) }
                session.length(0) shouldBe 2
                session.row(0) shouldBe before
            }
        }
    }

    test("prompts without the marks of block positions are refused") {
        val glm = randomModel(7) { it.copy(mask = Mask.PrefixCausal(), blocks = true) }
        glm.graph.positions() shouldBe Positions.Blocks(0, 1, 2)
        refusal(glm, 1, 8) { it.prefill(0, 5, 1, 4) } shouldBe
            "random: the prompt of slot 0 has no start token 2; block positions count from it, end the prompt with it"
        refusal(glm, 1, 8) { it.prefill(0, 5, 4, 2) } shouldBe
            "random: the prompt of slot 0 has neither the generation mask 1 nor the mask 0; " +
            "the answer's position is that of its mask, put one before the start token"
    }

    test("a slot that does not exist is named with those that do") {
        refusal(plain(), 2, 4) { it.prefill(2, 1) } shouldBe "random: there is no slot 2; the session has 2 (0 to 1)"
    }

    test("a session without slots is refused") {
        plain().compile().use { program ->
            shouldThrow<IllegalArgumentException> { program.open(0, 4) }.message shouldBe
                "random: a session needs at least 1 slot and a capacity of 1 token, not 0 and 4"
        }
    }

    test("weights on the Java heap are refused, because kernels read by address") {
        val model = plain()
        val norm = model.weights.getValue("head.norm.weight")
        val heap = Matrix.of(Tensor(DType.F32, Shape.of(norm.rows().toLong()), MemorySegment.ofArray(FloatArray(norm.rows()))))
        val wrong = model.weights + ("head.norm.weight" to heap)
        shouldThrow<IllegalArgumentException> { Program.compile(model.graph, wrong::get, options()) }.message shouldBe
            "random: 1 weight does not fit\n" +
            "  head.norm.weight  needs memory outside the Java heap; copy the array into a segment of an arena"
    }

    test("all weights that are missing or do not fit are named at once") {
        val model = plain { it.copy(rms = true, bias = false, layers = 1, heads = 2, kvHeads = 1, headDim = 4, tied = true) }
        val wrong = model.weights - "head.norm.weight" +
            ("blocks.0.norm1.weight" to Matrix.of(tensor(longArrayOf(9)) { 1.0 })) +
            ("blocks.0.attention.key.weight" to model.weights.getValue("blocks.0.attention.key.weight").transpose()) +
            ("positions.weight" to Matrix(DType.I32, 64, 8, emptyList()))
        val message = shouldThrow<IllegalArgumentException> { Program.compile(model.graph, wrong::get, options()) }.message
        message shouldBe
            """
            random: 4 weights do not fit
              positions.weight  needs numbers with a fraction, but is I32
              blocks.0.norm1.weight  needs [8], but is [9]
              blocks.0.attention.key.weight  needs [4, 8], but is [8, 4]
              head.norm.weight  needs [8], but is missing
            """.trimIndent()
    }

    test("a pattern that matches nothing is refused") {
        val message = shouldThrow<IllegalArgumentException> { plain().compile(options().capture("block.*").replace("*.keys")) }.message
        val lines = message!!.lines()
        lines.take(3) shouldBe listOf(
            "random: ${lines.size - 1} problems",
            "  no node is called block.*; capture a canonical name, * stands for any characters",
            "  node blocks.0.attention.keys is a cache and cannot be replaced; replace ${replacement(plain())}",
        )
    }

    test("what the graph asks for but cannot have is refused when the program is built") {
        val window = randomModel(7) { it.copy(mask = Mask.Window(3), blocks = false, prefix = 2) }
        shouldThrow<IllegalArgumentException> { window.compile() }.message shouldBe
            "random: 1 problem\n  a tuned prefix of 2 keys is seen by every row, which a window mask forbids"
        val prefix = randomModel(7) { it.copy(mask = Mask.PrefixCausal(), blocks = false) }
        shouldThrow<IllegalArgumentException> { prefix.compile() }.message shouldBe
            "random: 1 problem\n  a prefix-causal mask needs positions that say where the prefix ends, but they are sequential"
    }
})

private fun replacement(model: TestModel) = model.graph.byName().getValue("blocks.0.attention.keys").inputs()[1].name()
