package kumiko.dsl.compare

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.model
import kumiko.dsl.spec.Bias
import kumiko.dsl.spec.Dim
import kumiko.dsl.spec.Mask
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.attention
import kumiko.dsl.spec.causal
import kumiko.dsl.spec.layerNorm
import kumiko.dsl.spec.learnedPositions
import kumiko.dsl.spec.mlp
import kumiko.dsl.spec.parameterCount
import kumiko.dsl.spec.plus
import kumiko.dsl.spec.sequentialResidual
import kumiko.dsl.spec.then
import kumiko.dsl.spec.tiedToTokens
import kumiko.dsl.spec.times
import kumiko.dsl.spec.tokens
import kumiko.dsl.spec.windowed
import kumiko.runtime.graph.Activation.GELU
import kumiko.runtime.tensor.DType

class AccountSpec : FunSpec({
    test("every node is counted by hand in a model of two layers") {
        val account = Account.of(tiny(causal()))
        // d = 8, 2 heads of 4, hidden 16, vocabulary 10, 5 positions
        account.parameters(Part.EMBEDDING) shouldBe 10 * 8 + 5 * 8
        account.parameters(Part.ATTENTION) shouldBe 2 * 4 * (8 * 8 + 8)
        account.parameters(Part.FFN) shouldBe 2 * (2 * 8 * 16 + 16 + 8)
        account.parameters(Part.NORMS) shouldBe 5 * 2 * 8
        account.parameters(Part.RESIDUAL) shouldBe 0
        account.parameters(Part.HEAD) shouldBe 0
        account.parameters shouldBe tiny(causal()).parameterCount()
        account.cacheElements shouldBe 2 * 2 * 8
        account.weightBytes(DType.BF16) shouldBe 2 * account.parameters

        val (seq, past) = 3L to 2L
        val linear = 2 * (4 * 8 * 8 + 2 * 8 * 16) + 8 * 10
        account.macs(seq, past) shouldBe seq * linear + 2 * 2 * seq * (past + seq) * 8
        val seen = 3 + 4 + 5
        val attention = 2 * (2 * seq * 4 * 8 * 8 + (4 * 4 + 5) * 2 * seen)
        account.flops(Part.ATTENTION, seq, past) shouldBe attention
        account.flops(Part.NORMS, seq, past) shouldBe 5 * 8 * seq * 8
        account.flops(Part.RESIDUAL, seq, past) shouldBe 4 * seq * 8
        account.flops(Part.HEAD, seq, past) shouldBe 2 * seq * 8 * 10
        account.flops(seq, past) shouldBe Part.entries.sumOf { account.flops(it, seq, past) }
    }

    test("only the pairs that a mask shows are counted") {
        fun scores(mask: Mask, seq: Long, past: Long) =
            Account.of(tiny(mask)).nodes.first { it.name == "blocks.0.attention.scores" }.flops(seq, past) / (2 * 2 * 4)
        for (window in 1..7) {
            for (past in 0L..6L) {
                for (seq in 1L..6L) {
                    withClue("a window of $window, $seq rows behind $past") {
                        scores(windowed(window), seq, past) shouldBe (past..<past + seq).sumOf { minOf(it + 1, window.toLong()) }
                        scores(causal(), seq, past) shouldBe (past..<past + seq).sumOf { it + 1 }
                    }
                }
            }
        }
    }

    test("a call reads the rows of its tokens and every matrix once") {
        val account = Account.of(tiny(causal()))
        account.weightBytesRead(3, DType.F32) shouldBe 4 * (account.parameters + 2 * 3 * 8 - 5 * 8)
    }

    test("block types hold matrices, vectors stay float32") {
        val account = Account.of(tiny(causal(), width = 64))
        val vectors = account.nodes.flatMap { it.weights }.filter { it.type().extents().size == 1 }.sumOf { it.type().width() }
        account.weightBytes(DType.Q8_0) shouldBe 4L * vectors + (account.parameters - vectors) / 32 * 34
    }

    test("activations grow with the rows of a call, but for what stands behind the last attention") {
        val account = Account.of(tiny(causal()))
        val (one, two, nine) = listOf(1L, 2L, 9L).map { account.activationBytes(it, 0) }
        nine - two shouldBe 7 * (two - one)
        // The last row alone has a hidden row behind the last attention.
        val picked = one - (two - one)
        (picked >= 4 * 16) shouldBe true
        account.activationBytes(1, 100) shouldBe one
    }

    test("a roofline is held back by memory when decoding and by arithmetic in a long prompt") {
        val account = Account.of(tiny(causal()))
        val machine = Roofline(bytesPerSecond = 1e9, flopsPerSecond = 4e9)
        val decode = machine.decode(account, past = 4, weights = DType.F32, cache = DType.F16)
        decode.bound shouldBe Roofline.Bound.MEMORY
        decode.seconds shouldBe (account.weightBytesRead(1, DType.F32) + 5 * account.cacheBytesPerToken(DType.F16)) / 1e9
        val prefill = machine.prefill(account, seq = 500, weights = DType.F32, cache = DType.F16)
        prefill.bound shouldBe Roofline.Bound.ARITHMETIC
        prefill.tokensPerSecond shouldBe 500 / (account.flops(500, 0) / 4e9)
    }
})

private fun tiny(mask: Mask, width: Int = 8): ModelSpec = model("tiny") {
    val embed = Dim.of("embed", width)
    val norm = layerNorm(embed, eps = 1e-5)
    embedding = tokens(Dim.of(10), embed) + learnedPositions(Dim.of(5), embed)
    blocks(2) {
        sequentialResidual(
            norm then attention(embed, Dim.of(2), embed / 2, mask = mask, bias = Bias.EVERYWHERE),
            norm then mlp(embed, 2 * embed, GELU, bias = Bias.EVERYWHERE),
        )
    }
    head = norm then tiedToTokens
}
