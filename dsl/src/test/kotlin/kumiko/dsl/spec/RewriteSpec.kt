package kumiko.dsl.spec

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.checkAll
import kumiko.dsl.model
import kumiko.dsl.tinyGpt2
import kumiko.dsl.tinyLlama
import kumiko.runtime.graph.Activation

class RewriteSpec : FunSpec({
    test("one line swaps every norm of a model") {
        val swapped = tinyGpt2.replace<Norm> { rmsNorm(it.dim, eps = 1e-6) }
        swapped.parameters().count { it.name.endsWith("norm.bias") } shouldBe 0
        swapped.parameters().count { it.name.endsWith("norm.weight") } shouldBe 5
    }

    test("one line swaps the wiring of all models") {
        val models = listOf(tinyGpt2, tinyLlama).replace<Topology> { ParallelResidual(it.paths) }
        models.map { it.block(0)::class } shouldBe listOf(ParallelResidual::class, ParallelResidual::class)
        models.replace<Topology> { SequentialResidual(it.paths) } shouldBe listOf(tinyGpt2, tinyLlama)
    }

    test("replacing every layer by itself changes nothing") {
        checkAll(100, Arb.specs()) { spec -> spec.replace<Layer> { it } shouldBe spec }
    }

    test("places where the result does not fit are told, of all models together") {
        shouldThrow<SpecException> {
            listOf(tinyGpt2, tinyLlama).replace<Mlp> {
                it.copy(embed = it.hidden)
            }
        }.message shouldBe """
            |tiny-gpt2: 1 problem
            |  blocks.ffn.up   input hidden(32), but the residual stream is embed(8)
            |                  embed comes from embedding.tokens; did you mean embed?
            |tiny-llama: nothing to replace, the model has no Mlp
        """.trimMargin()
    }

    test("a swap inside attention reaches its norms") {
        val normed = tinyLlama.replace<Attention> { it.copy(queryNorm = rmsNorm(it.heads * it.headDim, eps = 1e-5)) }
        normed.replace<Norm> { rmsNorm(it.dim, eps = 1e-6) }.toJson().contains("1.0E-5") shouldBe false
    }

    test("a layer may become several") {
        val sandwich = tinyGpt2.replace<Mlp> { it then layerNorm(it.embed, eps = 1e-5) }
        sandwich.parameters().filter { it.layer == 0 }.takeLast(2).map { it.name } shouldBe
            listOf("blocks.0.ffn.postNorm.weight", "blocks.0.ffn.postNorm.bias")
    }

    test("every block can be changed at once") {
        val gated = tinyGpt2.withBlocks { residual(gatedMlp(tinyGpt2.dim("embed"), tinyGpt2.dim("hidden"), Activation.SILU)) }
        gated.parameters().filter { it.layer == 1 }.map { it.name } shouldBe
            listOf("blocks.1.ffn.gate.weight", "blocks.1.ffn.up.weight", "blocks.1.ffn.down.weight")
    }

    test("other sizes reach what is computed from them") {
        val wide = tinyLlama.withDims("embed" to 32, "vocab" to 20)
        wide.dims().associate { it.name to it.size } shouldBe
            mapOf("vocab" to 20, "embed" to 32, "heads" to 4, "headDim" to 8, "kvHeads" to 2, "hidden" to 112)
        wide.withDims("embed" to 16, "vocab" to 10) shouldBe tinyLlama
    }

    test("a size that does not exist is refused with what is near") {
        shouldThrow<SpecException> { tinyLlama.withDims("hiden" to 3) }.message shouldBe
            "tiny-llama has no dimension 'hiden'; did you mean hidden?"
        shouldThrow<SpecException> { tinyLlama.withDims("heads" to 3) }.message shouldBe
            "dim embed(16) does not divide evenly by heads(3): remainder 1"
        shouldThrow<SpecException> { tinyLlama.withDims("heads" to 0) }.message shouldBe "a dimension is at least 1, not 0"
    }

    test("layers are cut at the end and added to the last row") {
        val rows = model("rows") {
            val embed by dim(8)
            embedding = tokens(embed, embed)
            blocks(2) { residual(linear(embed, embed)) }
            blocks(3) { residual(linear(embed, embed, Bias.EVERYWHERE)) }
            head = tiedToTokens
        }
        rows.withLayers(1).blocks.map { it.count } shouldBe listOf(1)
        rows.withLayers(4).blocks.map { it.count } shouldBe listOf(2, 2)
        rows.withLayers(9).blocks.map { it.count } shouldBe listOf(2, 7)
    }
})
