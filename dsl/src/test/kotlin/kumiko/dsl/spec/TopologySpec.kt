package kumiko.dsl.spec

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.compile.compile
import kumiko.dsl.tinyGpt2
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Op

class TopologySpec : FunSpec({
    val embed = tinyGpt2.dim("embed")
    val norm = rmsNorm(embed, eps = 1e-5)
    val up = linear(embed, embed).named("up")
    val down = linear(embed, embed).named("down")

    /** How a wiring reads as a graph: one block, without its weights. */
    fun wired(block: Layer): String = tinyGpt2.withBlocks { block }.withLayers(1).compile().nodes()
        .filter { it.name().startsWith("blocks.0") && it.op() !is Op.Parameter }
        .joinToString("\n") { node ->
            val inputs = node.inputs().filter { it.op() !is Op.Parameter }.joinToString { it.name().removePrefix("blocks.0.") }
            val scale = (node.op() as? Op.Add)?.scale()?.takeIf { it != 1.0 }?.let { "$it * " }.orEmpty()
            "${node.name().removePrefix("blocks.0.")} = ${node.op().javaClass.simpleName}($scale$inputs)"
        }

    test("sequential: each path reads the stream behind the one before") {
        wired(sequentialResidual(norm then up, down)) shouldBe """
            up.norm = RmsNorm(embedding)
            up = Linear(up.norm)
            up.residual = Add(embedding, up)
            down = Linear(up.residual)
            blocks.0 = Add(up.residual, down)
        """.trimIndent()
    }

    test("parallel: all paths read the same rows") {
        wired(parallelResidual(norm then up, down)) shouldBe """
            up.norm = RmsNorm(embedding)
            up = Linear(up.norm)
            down = Linear(embedding)
            up.residual = Add(embedding, up)
            blocks.0 = Add(up.residual, down)
        """.trimIndent()
    }

    test("glm: alpha times the normed rows is added") {
        wired(glmResidual(alpha = LayerExpr.Layer + 3)(norm then up)) shouldBe """
            up.norm = RmsNorm(embedding)
            up = Linear(up.norm)
            blocks.0 = Add(3.0 * up.norm, up)
        """.trimIndent()
    }

    test("post-norm: the sum is normed") {
        wired(postNorm(up then norm, down then norm)) shouldBe """
            up = Linear(embedding)
            up.sum = Add(embedding, up)
            up.residual = RmsNorm(up.sum)
            down = Linear(up.residual)
            down.sum = Add(up.residual, down)
            blocks.0 = RmsNorm(down.sum)
        """.trimIndent()
    }

    test("sandwich: a norm before and behind") {
        wired(residual(norm then up then norm)) shouldBe """
            up.norm = RmsNorm(embedding)
            up = Linear(up.norm)
            up.postNorm = RmsNorm(up)
            blocks.0 = Add(embedding, up.postNorm)
        """.trimIndent()
    }

    test("scaled: the branch is scaled, not the stream") {
        wired(scaledResidual(LayerExpr.of(0.5))(up)) shouldBe """
            up = Linear(embedding)
            blocks.0 = Add(0.5 * up, embedding)
        """.trimIndent()
    }

    test("gated: the branch is multiplied by the gate") {
        wired(gatedResidual(linear(embed, embed) then activation(Activation.SILU))(up)) shouldBe """
            gate.linear = Linear(embedding)
            gate.activation = Activate(gate.linear)
            up = Linear(embedding)
            up.product = Multiply(gate.activation, up)
            blocks.0 = Add(embedding, up.product)
        """.trimIndent()
    }

    test("shared norm: one norm before a sum") {
        wired(residual(norm then sum(up, down))) shouldBe """
            norm = RmsNorm(embedding)
            up = Linear(norm)
            down = Linear(norm)
            branch0 = Add(up, down)
            blocks.0 = Add(embedding, branch0)
        """.trimIndent()
    }

    test("three paths, and a wiring within a wiring") {
        wired(sequentialResidual(parallelResidual(up, down), linear(embed, embed))) shouldBe """
            up = Linear(embedding)
            down = Linear(embedding)
            up.residual = Add(embedding, up)
            branch0 = Add(up.residual, down)
            branch0.residual = Add(embedding, branch0)
            linear = Linear(branch0.residual)
            blocks.0 = Add(branch0.residual, linear)
        """.trimIndent()
        wired(sequentialResidual(up, down, linear(embed, embed))) shouldBe """
            up = Linear(embedding)
            up.residual = Add(embedding, up)
            down = Linear(up.residual)
            down.residual = Add(up.residual, down)
            linear = Linear(down.residual)
            blocks.0 = Add(down.residual, linear)
        """.trimIndent()
    }

    test("a block without a residual is its path") {
        wired(norm then up) shouldBe """
            up.norm = RmsNorm(embedding)
            blocks.0 = Linear(up.norm)
        """.trimIndent()
    }
})
