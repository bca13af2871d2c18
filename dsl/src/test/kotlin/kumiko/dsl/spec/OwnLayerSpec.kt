package kumiko.dsl.spec

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import kumiko.dsl.compile.compile
import kumiko.dsl.tinyGpt2

class OwnLayerSpec : FunSpec({
    Kinds.register<Adapter>()
    Kinds.register<DenseResidual>()

    val bottleneck = Dim.of("bottleneck", 3)
    val adapted = tinyGpt2.replace<Mlp> { it then Adapter(it.embed, bottleneck).named("adapter") }
    val dense = tinyGpt2.withBlocks { DenseResidual((it as Topology).paths) }

    test("a layer of one's own has its weights in the table") {
        val narrow = tinyGpt2.replace<Mlp> { Adapter(it.embed, bottleneck) }
        narrow.templates().map { "${it.name} ${it.dims}" }.filter { "adapter" in it && "norm" !in it } shouldContainExactly listOf(
            "blocks.{i}.adapter.down.weight [bottleneck(3), embed(8)]",
            "blocks.{i}.adapter.up.weight [embed(8), bottleneck(3)]",
        )
    }

    test("it is checked like any other") {
        shouldThrow<SpecException> {
            tinyGpt2.replace<Mlp> {
                Adapter(it.hidden, bottleneck)
            }
        }.message shouldBe """
            |tiny-gpt2: 1 problem
            |  blocks.adapter.down   input hidden(32), but the residual stream is embed(8)
            |                        embed comes from embedding.tokens; did you mean embed?
        """.trimMargin()
    }

    test("it reads back from a spec file") {
        for (spec in listOf(adapted, dense)) ModelSpec.fromJson(spec.toJson()) shouldBe spec
        adapted.withDims("bottleneck" to 5).dim("bottleneck").size shouldBe 5
    }

    test("it compiles under its canonical names") {
        val nodes = tinyGpt2.replace<Mlp> { Adapter(it.embed, bottleneck) }.compile().byName()
        nodes.keys.filter { it.startsWith("blocks.1.adapter") && "norm" !in it } shouldContainExactly listOf(
            "blocks.1.adapter.down.weight",
            "blocks.1.adapter.down",
            "blocks.1.adapter.activated",
            "blocks.1.adapter.up.weight",
            "blocks.1.adapter.up",
            "blocks.1.adapter.sum",
        )
        dense.compile().byName().keys.filter {
            it == "blocks.0.both" || it == "blocks.1"
        } shouldContainExactly listOf("blocks.0.both", "blocks.1")
    }

    test("a kind that was not made known is refused by name, with the line that is missing") {
        val spec = tinyGpt2.withBlocks { residual(UnheardOf(tinyGpt2.dim("embed"))) }
        spec.parameters().none { it.layer != null } shouldBe true
        shouldThrow<SpecException> { spec.toJson() }.message.orEmpty() shouldStartWith
            "tiny-gpt2: a kind of layer is not known to spec files; make it known with Kinds.register"
        val file = tinyGpt2.toJson().replace("\"kind\": \"mlp\"", "\"kind\": \"unheard-of\"")
        shouldThrow<SpecException> { ModelSpec.fromJson(file) }.message.orEmpty() shouldContain "unknown kind of layer 'unheard-of'"
    }
})
