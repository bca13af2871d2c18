package kumiko.dsl.spec

import io.kotest.assertions.throwables.shouldNotThrowAny
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.checkAll
import kumiko.dsl.ModelScope
import kumiko.dsl.model
import kumiko.dsl.tinyGpt2
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Pairing

class CheckSpec : FunSpec({
    fun refusal(name: String, describe: ModelScope.() -> Unit): String? = shouldThrow<SpecException> { model(name, describe) }.message

    val embed = Dim.of("embed", 8)
    val hidden = Dim.of("hidden", 32)
    val heads = Dim.of("heads", 2)
    val vocab = Dim.of("vocab", 10)
    val norm = rmsNorm(embed, eps = 1e-5)
    val attn = attention(embed, heads, embed / heads)
    val ffn = mlp(embed, hidden, Activation.SILU)

    fun blockRefusal(block: Layer): String? = refusal("m") {
        embedding = tokens(vocab, embed)
        blocks(2) { block }
        head = linear(embed, vocab)
    }

    test("heads that do not fill the residual stream are refused with both values, their origin and the remedy") {
        refusal("llama3-8b") {
            val vocab by dim(128_256)
            val embed by dim(4_096)
            val heads by dim(32)
            val headDim by dim(96)
            embedding = tokens(vocab, embed)
            blocks(32) { residual(attention(embed, heads, headDim)) }
            head = linear(embed, vocab)
        } shouldBe """
            |llama3-8b: 1 problem
            |  blocks.attention.out   input heads(32)*headDim(96) = 3072, but the residual stream is embed(4096)
            |                         embed comes from embedding.tokens; did you mean headDim = embed / heads = 128?
        """.trimMargin()
    }

    test("all problems are told at once, in the order of the layers") {
        refusal("m") {
            embedding = tokens(vocab, embed) + learnedPositions(vocab, hidden)
            blocks(2) { sequentialResidual(rmsNorm(hidden, eps = 1e-5) then attn, norm then mlp(hidden, embed, Activation.SILU)) }
            head = norm then linear(hidden, vocab)
        } shouldBe """
            |m: 4 problems
            |  embedding               joins hidden(32) to embed(8)
            |                          embed comes from embedding.tokens, hidden from embedding.positions; make them one
            |  blocks.attention.norm   input hidden(32), but the residual stream is embed(8)
            |                          embed comes from embedding.tokens; did you mean embed?
            |  blocks.ffn.up           input hidden(32), but the residual stream is embed(8)
            |                          embed comes from embedding.tokens; did you mean embed?
            |  head.linear             input hidden(32), but the residual stream is embed(8)
            |                          embed comes from embedding.tokens; did you mean embed?
        """.trimMargin()
    }

    test("a branch that gives back another width is refused where it ends") {
        blockRefusal(residual(norm then linear(embed, hidden))) shouldBe """
            |m: 1 problem
            |  blocks.linear   output hidden(32), but the residual stream is embed(8)
            |                  embed comes from embedding.tokens, hidden from blocks.linear; make them one
        """.trimMargin()
    }

    test("key heads that do not share the query heads evenly are refused") {
        blockRefusal(residual(attention(embed, heads, embed / heads, kvHeads = Dim.of("kvHeads", 3)))) shouldBe """
            |m: 1 problem
            |  blocks.attention.key   kvHeads(3) key heads for heads(2) query heads
            |                         every key head serves as many query heads; did you mean kvHeads = heads?
        """.trimMargin()
    }

    test("rotary dims that are odd or more than a head are refused") {
        blockRefusal(residual(attention(embed, heads, embed / heads, positions = rotary(Dim.of(3), 1e4, Pairing.HALVES)))) shouldBe """
            |m: 1 problem
            |  blocks.attention.query.rotary   turns pairs, but dims is 3
            |                                  write an even number of dims
        """.trimMargin()
        blockRefusal(residual(attention(embed, heads, embed / heads, positions = rotary(embed, 1e4, Pairing.HALVES)))) shouldBe """
            |m: 1 problem
            |  blocks.attention.query.rotary   turns 8 elements of a head of embed(8)/heads(2) = 4
            |                                  write dims of at most the head's
        """.trimMargin()
    }

    test("block positions must be said where they are read") {
        val code = rotary2d(Dim.of(2), 1e4, Pairing.HALVES)
        blockRefusal(residual(attention(embed, heads, embed / heads, positions = code, mask = prefixCausal()))) shouldBe """
            |m: 2 problems
            |  blocks.attention.query.rotary   reads block positions, but the model counts positions one by one
            |                                  write positions = blockPositions(...)
            |  blocks.attention.scores         a prefix mask needs the place of the start token, but the model has none
            |                                  write positions = blockPositions(...)
        """.trimMargin()
    }

    test("two alike in one block must be named") {
        blockRefusal(parallelResidual(norm then ffn, norm then ffn)) shouldBe """
            |m: 2 problems
            |  blocks.ffn.norm   2 layers stand here under one name
            |                    give each a name of its own: (...).named("second")
            |  blocks.ffn        2 layers stand here under one name
            |                    give each a name of its own: (...).named("second")
        """.trimMargin()
        shouldNotThrowAny { tinyGpt2.withBlocks { parallelResidual(norm then ffn, (norm then ffn).named("second")) } }
    }

    test("a wiring that needs a norm says so") {
        blockRefusal(glmResidual(2.0)(attn)) shouldBe """
            |m: 1 problem
            |  blocks.attention   glmResidual adds the normed rows, but this path is no norm and what follows it
            |                     write norm then ...
        """.trimMargin()
        blockRefusal(postNorm(norm then ffn)) shouldBe """
            |m: 1 problem
            |  blocks.ffn   postNorm norms the sum, but this path does not end in a norm
            |               write ... then norm
        """.trimMargin()
    }

    test("one name for two sizes is refused") {
        blockRefusal(residual(mlp(embed, Dim.of("vocab", 11), Activation.SILU))) shouldBe """
            |m: 1 problem
            |  blocks.{i}.ffn.up.weight   two dimensions are called vocab: 10 and 11
            |                             a name stands for one size in a model
        """.trimMargin()
    }

    test("a block in a pattern is named by its first layer") {
        refusal("m") {
            embedding = tokens(vocab, embed)
            blocks(4) { every(4, residual(mlp(hidden, hidden, Activation.SILU)), otherwise = residual(ffn)) }
            head = linear(embed, vocab)
        } shouldBe """
            |m: 1 problem
            |  blocks.3.ffn.up   input hidden(32), but the residual stream is embed(8)
            |                    embed comes from embedding.tokens; did you mean embed?
        """.trimMargin()
    }

    test("a model that says too little lists what is missing") {
        refusal("empty") {
        } shouldBe """
            |empty is incomplete:
            |  - embedding is not set
            |  - blocks(count) { ... } is missing
            |  - head is not set
        """.trimMargin()
    }

    test("a tied head without a token table is refused") {
        refusal("m") {
            embedding = learnedPositions(vocab, embed)
            blocks(1) { residual(ffn) }
            head = tiedToTokens
        } shouldBe """
            |m: 1 problem
            |  head.linear   is tied to the token table, but the embedding has none
            |                write linear(embed, vocab) for a head of its own
        """.trimMargin()
    }

    test("numbers that cannot be are refused where they are written") {
        shouldThrow<SpecException> { layerNorm(embed, eps = 0.0) }.message shouldBe "the epsilon of a norm lies between 0 and 1, it is 0.0"
        shouldThrow<SpecException> { rotary(embed, base = 1.0, Pairing.HALVES) }.message shouldBe
            "the base of rotary frequencies is above 1, it is 1.0"
        shouldThrow<SpecException> { windowed(0) }.message shouldBe "a window shows at least 1 key, not 0"
        shouldThrow<SpecException> { Blocks(0, listOf(ffn)) }.message shouldBe "a row of blocks has 1 to 10000 blocks, not 0"
        shouldThrow<SpecException> { sum(ffn) }.message shouldBe "a sum joins at least two paths, not 1"
    }

    test("every random spec fits") {
        shouldNotThrowAny { checkAll(100, Arb.specs()) { it.parameters() } }
    }
})
