package kumiko.dsl.compare

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.checkAll
import kotlinx.serialization.json.Json
import kumiko.dsl.model
import kumiko.dsl.spec.*
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Pairing

class DiffSpec : FunSpec({
    test("the edits from one random spec to another make exactly the other") {
        checkAll(60, Arb.specs(), Arb.specs()) { a, b ->
            val edits = diff(a, b)
            withClue(edits.joinToString("\n")) { apply(edits, a).sameButForNames(b) shouldBe true }
        }
    }

    test("the effects of all edits add up to the difference of the accounts") {
        checkAll(20, Arb.specs(), Arb.specs()) { a, b ->
            val edits = diff(a, b)
            val (before, after) = Effect.of(Account.of(a)) to Effect.of(Account.of(b))
            edits.sumOf { it.effect.parameters } shouldBe after.parameters - before.parameters
            edits.sumOf { it.effect.flops } shouldBe after.flops - before.flops
            edits.sumOf { it.effect.cacheBytesPerToken } shouldBe after.cacheBytesPerToken - before.cacheBytesPerToken
        }
    }

    test("a spec and itself have no edits between them, read back from a file or not") {
        checkAll(40, Arb.specs()) { spec ->
            diff(spec, spec).shouldBeEmpty()
            diff(spec, ModelSpec.fromJson(spec.toJson())).shouldBeEmpty()
        }
    }

    test("names of models, dims and paths make no difference") {
        val a = small()
        diff(a, small(name = "other", width = "dModel")).shouldBeEmpty()
        diff(a, a.copy(blocks = a.blocks.map { row -> row.copy(cycle = row.cycle.map(::named)) })).shouldBeEmpty()
    }

    test("edits are values: they are written, read and applied again") {
        checkAll(15, Arb.specs(), Arb.specs()) { a, b ->
            val edits = diff(a, b)
            val read = Json.decodeFromString<List<Edit>>(Json.encodeToString(edits))
            read shouldBe edits
            apply(read, a).sameButForNames(b) shouldBe true
        }
    }

    test("one change at many sites is one edit") {
        edits {
            it.replace<Norm> { norm -> rmsNorm(norm.dim, eps = 1e-6) }
        } shouldContainExactly listOf("norm: LayerNorm eps 1e-5 -> RMSNorm eps 1e-6")
        edits { it.withDims("embed" to 32) } shouldContainExactly listOf("embed: 16 -> 32")
        edits { it.withLayers(7) } shouldContainExactly listOf("layers: 3 -> 7")
        edits { it.replace<Attention> { attn -> attn.copy(kvHeads = Dim.of(1)) } } shouldContainExactly listOf("key/value heads: 4 -> 1")
        edits {
            it.replace<SequentialResidual> { block -> ParallelResidual(block.paths) }
        } shouldContainExactly listOf("residual: sequential -> parallel")
        edits { it.replace<TiedToTokens> { linear(Dim.of(16), Dim.of(10)) } } shouldContainExactly listOf("head: tied -> own matrix")
        edits { it.copy(embedding = tokens(Dim.of(10), Dim.of(16))) } shouldContainExactly listOf("positions: learned 8 -> none")
        edits { it.replace<Mlp> { ffn -> gatedMlp(ffn.embed, ffn.hidden, Activation.SILU, ffn.bias) } } shouldContainExactly
            listOf("ffn: mlp -> gated-mlp", "activation: gelu -> silu")
        edits { it.replace<Attention> { attn -> attn.copy(positions = rotary(Dim.of(2), 1e4, Pairing.HALVES)) } } shouldContainExactly
            listOf("rotary: none -> 2 of 4, base 10000, halves paired")
        edits {
            it.replace<Attention> { attn -> attn.copy(mask = windowed(5)) }
        } shouldContainExactly listOf("mask: causal -> windowed size 5")
    }

    test("a prefix comes, goes, grows and is projected") {
        val a = small()
        val table = a.copy(prefix = prefixRows(Dim.of(4), Dim.of(96)))
        diff(a, table).map { "$it" } shouldContainExactly listOf("prefix: none -> 4 rows of 96")
        diff(table, a).map { "$it" } shouldContainExactly listOf("prefix: 4 rows of 96 -> none")
        diff(table, a.copy(prefix = prefixRows(Dim.of(6), Dim.of(96)))).map { "$it" } shouldContainExactly listOf("prefix length: 4 -> 6")
        val projected = a.copy(prefix = prefixRows(Dim.of(4), Dim.of(16)) then linear(Dim.of(16), Dim.of(96)))
        diff(table, projected).map {
            "$it"
        } shouldContainExactly listOf("linear: none -> linear 16 x 96 (prefix)", "prefix width: 96 -> 16")
        diff(a, table).single().effect.parameters shouldBe 4 * 96
        for (b in listOf(table, projected)) apply(diff(a, b), a).sameButForNames(b) shouldBe true
    }

    test("an edit of some of the layers says which") {
        val a = small()
        val changed = a.copy(head = rmsNorm(Dim.of(16), eps = 1e-5) then tiedToTokens)
        diff(a, changed).map { "$it" } shouldContainExactly listOf("norm: LayerNorm eps 1e-5 -> RMSNorm eps 1e-5 (head)")
        val pattern = a.copy(
            blocks = listOf(
                Blocks(
                    3,
                    every(
                        3,
                        a.block(0),
                        a.replace<Attention> {
                            it.copy(mask = windowed(5))
                        }.block(0),
                    ),
                ),
            ),
        )
        diff(a, pattern).map { "$it" } shouldContainExactly listOf(
            "mask: causal -> windowed size 5 (block 1 of 3 attention, block 2 of 3 attention)",
            "block pattern: all alike -> cycle of 3",
        )
    }

    test("each edit tells its effect, and edits that are a model only together share it") {
        val a = small()
        val edits = diff(a, a.withDims("embed" to 20, "heads" to 5).withLayers(6))
        edits.map { it.subject } shouldContainExactly listOf("layers", "embed", "heads")
        edits.filter { it.effect.together }.shouldBeEmpty()
        val cut = diff(a, a.withDims("embed" to 15, "heads" to 5))
        cut.map { it.effect.together } shouldContainExactly listOf(true, true)
    }

    test("an edit made for another model is refused by what it found") {
        val edits = diff(small(), small().withDims("embed" to 32))
        val other = small().withDims("embed" to 64)
        shouldThrow<SpecException> { apply(edits, other) }.message shouldBe "the edit was made for a model that has 16 at embed, not 64"
    }
})

private fun edits(change: (ModelSpec) -> ModelSpec): List<String> = diff(small(), change(small())).map { "$it" }

private fun named(layer: Layer): Layer = layer.withPaths(layer.paths.mapIndexed { index, path -> path.named("path$index") })

private fun small(name: String = "small", width: String = "embed"): ModelSpec = model(name) {
    val embed = Dim.of(width, 16)
    val heads by dim(4)
    val norm = layerNorm(embed, eps = 1e-5)
    embedding = tokens(Dim.of(10), embed) + learnedPositions(Dim.of(8), embed)
    blocks(3) {
        sequentialResidual(norm then attention(embed, heads, embed / heads), norm then mlp(embed, 4 * embed, Activation.GELU))
    }
    head = norm then tiedToTokens
}
