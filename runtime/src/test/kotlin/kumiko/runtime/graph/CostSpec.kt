package kumiko.runtime.graph

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.checkAll
import kumiko.runtime.graph.Cost.Pairs
import kumiko.runtime.run.models

/** A LLaMA-7B block as its paper has it, without norms and rotation. */
private fun llama7b(): Graph {
    val b = GraphBuilder("llama-7b")
    var x = b.embedding("embedding", b.parameter("table", 32_000, 4096), b.tokens())
    fun linear(name: String, from: Node, out: Long) =
        b.linear(name, from, b.parameter("$name.weight", out, from.type().width().toLong()), null)
    for (i in 0 until 32) {
        val keys = b.append("$i.keys", linear("$i.key", x, 4096), null, 32, 128)
        val values = b.append("$i.values", linear("$i.value", x, 4096), null, 32, 128)
        val scores = b.scores("$i.scores", linear("$i.query", x, 4096), keys, 32, 32, 128, 1.0)
        val soft = b.softmax("$i.probabilities", scores, b.visible(Mask.Causal()), 1.0, Double.NaN)
        x = linear("$i.out", b.mix("$i.mix", soft, values, 32, 32, 128), 4096)
        val gate = b.activate("$i.active", linear("$i.gate", x, 11_008), Activation.SILU)
        x = linear("$i.down", b.multiply("$i.product", gate, linear("$i.up", x, 11_008)), 4096)
    }
    return b.build(linear("logits", x, 32_000), Positions.Sequential())
}

class CostSpec : FunSpec({
    val linearOrPairs: (Node) -> Boolean = { it.op() is Op.Linear || it.op() is Op.Scores || it.op() is Op.Mix }

    test("LLaMA-7B takes the published 850 GMAC for 128 tokens") {
        val flops = llama7b().nodes().filter(linearOrPairs).sumOf { Cost.flops(it, 128, 0, Pairs.ALL) }
        Math.round(flops / 2 / 1e7) / 100.0 shouldBe 850.00
    }

    test("LLaMA-7B keeps 524288 bytes a token in a 16-bit cache") {
        Cost.cacheElements(llama7b()) * 2 shouldBe 524_288
    }

    test("causal pairs of a prompt are those of its tokens one by one") {
        checkAll(50, models) { model ->
            for (node in model.graph.nodes()) {
                val one = (0L until 9).sumOf { Cost.flops(node, 1, 3 + it, Pairs.CAUSAL) }
                Cost.flops(node, 9, 3, Pairs.CAUSAL) shouldBe one
            }
        }
    }

    test("passes leave the FLOPs as they are") {
        checkAll(50, models) { model ->
            val fused = Pass.applyAll(model.graph, Pass.entries.toSet()) { false }
            Cost.flops(fused, 7, 5, Pairs.ALL) shouldBe Cost.flops(model.graph, 7, 5, Pairs.ALL)
        }
    }

    test("a linear layer reads its weight and bias, an embedding one row a token") {
        val b = GraphBuilder("small")
        val x = b.embedding("x", b.parameter("table", 50, 4), b.tokens())
        val y = b.linear("y", x, b.parameter("weight", 6, 4), b.parameter("bias", 6))
        Cost.weightElements(x, 3) shouldBe 12
        Cost.weightElements(y, 3) shouldBe 30
        Cost.readElements(y, 3, 9) shouldBe 12
        Cost.valueElements(y, 3, 9) shouldBe 18
        Cost.parameterElements(b.parameter("table", 50, 4)) shouldBe 200
    }
})
