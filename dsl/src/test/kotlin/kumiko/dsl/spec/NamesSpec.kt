package kumiko.dsl.spec

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeUnique
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.checkAll
import kumiko.dsl.compile.compile
import kumiko.dsl.tinyGpt2
import kumiko.dsl.tinyLlama
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Op

class NamesSpec : FunSpec({
    val embed = tinyGpt2.dim("embed")
    val heads = tinyGpt2.dim("heads")
    val norm = rmsNorm(embed, eps = 1e-5)
    val attn = attention(embed, heads, embed / heads)
    val ffn = mlp(embed, 4 * embed, Activation.SILU)

    /** What weights a block has, without the block's own name. */
    fun names(block: Layer) = tinyGpt2.withBlocks { block }.parameters().filter { it.layer == 0 }.map { it.name.removePrefix("blocks.0.") }

    test("weights are named after the path they stand in") {
        tinyLlama.templates().map {
            "${it.name}  ${it.layers}  ${it.dims}"
        } shouldContainExactly """
            embedding.tokens.weight  []  [vocab(10), embed(16)]
            blocks.{i}.attention.norm.weight  [0, 1]  [embed(16)]
            blocks.{i}.attention.query.weight  [0, 1]  [heads(4)*headDim(4), embed(16)]
            blocks.{i}.attention.key.weight  [0, 1]  [kvHeads(2)*headDim(4), embed(16)]
            blocks.{i}.attention.value.weight  [0, 1]  [kvHeads(2)*headDim(4), embed(16)]
            blocks.{i}.attention.out.weight  [0, 1]  [embed(16), heads(4)*headDim(4)]
            blocks.{i}.ffn.norm.weight  [0, 1]  [embed(16)]
            blocks.{i}.ffn.gate.weight  [0, 1]  [hidden(56), embed(16)]
            blocks.{i}.ffn.up.weight  [0, 1]  [hidden(56), embed(16)]
            blocks.{i}.ffn.down.weight  [0, 1]  [embed(16), hidden(56)]
            head.norm.weight  []  [embed(16)]
            head.linear.weight  []  [vocab(10), embed(16)]
        """.trimIndent().lines()
    }

    test("a norm behind the core is the post-norm") {
        names(residual(norm then ffn then norm)) shouldContainExactly
            listOf("ffn.norm.weight", "ffn.up.weight", "ffn.down.weight", "ffn.postNorm.weight")
    }

    test("paths inside a sum stand in the name of its surroundings") {
        names(residual(norm then sum(attn, ffn))) shouldContainExactly listOf(
            "norm.weight",
            "attention.query.weight",
            "attention.key.weight",
            "attention.value.weight",
            "attention.out.weight",
            "ffn.up.weight",
            "ffn.down.weight",
        )
    }

    test("a name of its own goes before the core's") {
        names(residual((norm then ffn).named("second"))) shouldContainExactly
            listOf("second.norm.weight", "second.up.weight", "second.down.weight")
    }

    test("a norm on the query stands at the query") {
        names(residual(attn.copy(queryNorm = norm))).last() shouldBe "attention.query.norm.weight"
    }

    test("rows that belong to heads say so") {
        val query = tinyLlama.parameters().first { it.template == "blocks.{i}.attention.query.weight" }
        query.heads shouldBe HeadRows(tinyLlama.dim("heads"), tinyLlama.dim("headDim"), 4, 1, kumiko.runtime.graph.Pairing.ADJACENT)
        tinyLlama.parameters().first { it.template.endsWith("value.weight") }.heads?.rotary shouldBe 0
        tinyLlama.parameters().first { it.template.endsWith("out.weight") }.heads shouldBe null
    }

    test("every parameter stands in the graph once, and nothing else does") {
        checkAll(100, Arb.specs()) { spec ->
            val parameters = spec.parameters()
            parameters.map { it.name }.shouldBeUnique()
            val graph = spec.compile()
            val weights = graph.nodes().filter { it.op() is Op.Parameter }
            weights.map { it.name() to it.type().toString() } shouldContainExactlyInAnyOrder parameters.map { it.name to "${it.shape}" }
        }
    }

    test("every graph has the fixed names") {
        checkAll(100, Arb.specs()) { spec ->
            val nodes = spec.compile().byName()
            val fixed = listOf("embedding", "logits") + (0..<spec.layers).map { "blocks.$it" }
            fixed.filter { it !in nodes } shouldBe emptyList()
            spec.compile().output().name() shouldBe "logits"
        }
    }
})
