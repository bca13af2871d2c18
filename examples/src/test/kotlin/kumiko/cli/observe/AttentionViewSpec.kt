package kumiko.cli.observe

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.longs.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.architectures.Architectures
import kumiko.dsl.compare.inside
import kumiko.dsl.compile.compile
import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.Layer

class AttentionViewSpec : FunSpec({
    fun graph(name: String) = Architectures[name].compile()

    test("a short sequence of a small model is kept whole") {
        val view = AttentionView(listOf(graph("gpt2-124m")), 20)
        view.nodes(0) shouldBe (0..<12).map { "blocks.$it.attention.probabilities" }
        view.shownTokens shouldBe 20
        view.leftOut shouldBe null
    }

    test("of a large model some layers are kept, the first and the last among them, in both models the same, and it is said") {
        val view = AttentionView(listOf(graph("llama3-8b"), graph("llama-7b")), 100)
        view.shownTokens shouldBe 64
        view.nodes(0) shouldBe listOf(0, 7, 15, 23, 31).map { "blocks.$it.attention.probabilities" }
        view.nodes(1) shouldBe view.nodes(0)
        view.leftOut shouldBe "the first 64 of 100 tokens, and 5 of 32 layers, evenly spaced"
    }

    test("what is kept of any two models stays below two megabytes") {
        for (a in Architectures.all.keys) {
            val view = AttentionView(listOf(graph(a), graph("gpt-neox-20b")), 256)
            val heads = listOf(a, "gpt-neox-20b").map { Architectures[it].block(0).heads() }
            val cells = listOf(0, 1).sumOf { view.nodes(it).size * heads[it].toLong() * view.shownTokens * view.shownTokens }
            cells shouldBeLessThanOrEqual 2_000_000L
        }
    }
})

private fun Layer.heads() = inside().filterIsInstance<Attention>().first().heads.size
