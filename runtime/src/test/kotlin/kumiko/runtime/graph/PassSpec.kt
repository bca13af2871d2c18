package kumiko.runtime.graph

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.checkAll
import kumiko.runtime.run.models
import kumiko.runtime.run.randomModel

private fun Graph.count(op: Class<out Op>) = nodes().count { op.isInstance(it.op()) }

private val llama = randomModel(4) {
    it.copy(gated = true, residual = "sequential", layers = 2, blocks = false, mask = Mask.Causal(), prefix = 0)
}.graph

private fun all(graph: Graph, kept: (Node) -> Boolean = { false }) = Pass.applyAll(graph, Pass.entries.toSet(), kept)

class PassSpec : FunSpec({
    test("attention, gate and residuals of every block are fused") {
        val fused = all(llama)
        fused.count(Op.Attention::class.java) shouldBe 2
        fused.count(Op.Gated::class.java) shouldBe 2
        fused.count(Op.LinearAdd::class.java) shouldBe 4
        val gone = listOf(Op.Scores::class, Op.Softmax::class, Op.Mix::class, Op.Activate::class, Op.Multiply::class)
        gone.sumOf { fused.count(it.java) } shouldBe 0
    }

    test("a fused node keeps the name of what it computes") {
        val names = all(llama).nodes().map { it.name() }
        (names + listOf("blocks.1", "blocks.1.attention.mix", "blocks.1.ffn.product", "logits")).toSet().size shouldBe names.size
    }

    test("a kept node is never fused away") {
        checkAll(50, models) { model ->
            for (node in model.graph.nodes()) {
                all(model.graph) { it.name() == node.name() }.byName().containsKey(node.name()) shouldBe true
            }
            all(model.graph) { true }.toString() shouldBe model.graph.toString()
        }
    }

    test("a value that two nodes read is not fused into one of them") {
        val b = GraphBuilder("two readers")
        val x = b.embedding("x", b.parameter("table", 5, 4), b.tokens())
        val linear = b.linear("linear", x, b.parameter("weight", 4, 4), null)
        val sum = b.add("sum", 1.0, x, linear)
        val graph = b.build(b.multiply("out", sum, linear), Positions.Sequential())
        all(graph).toString() shouldBe graph.toString()
    }

    test("dead nodes are left out, with what only they read") {
        val b = GraphBuilder("dead")
        val x = b.embedding("x", b.parameter("table", 5, 4), b.tokens())
        b.scale("dead", b.linear("dead.linear", x, b.parameter("dead.weight", 3, 4), null), 2.0)
        val graph = b.build(b.scale("out", x, 2.0), Positions.Sequential())
        Pass.REMOVE_DEAD.apply(graph) { false }.nodes().map { it.name() } shouldBe listOf("table", "tokens", "x", "out")
    }

    test("a pattern matches whole names, dots included") {
        NamePattern("blocks.*.attention.probabilities").matches("blocks.12.attention.probabilities") shouldBe true
        NamePattern("blocks.*").matches("blocks.1.attention.out") shouldBe true
        NamePattern("*").matches("logits") shouldBe true
        NamePattern("blocks.1").matches("blocks.12") shouldBe false
        NamePattern("blocks.?").matches("blocks.1") shouldBe false
    }
})
