package kumiko.architectures

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.compare.Account
import kumiko.dsl.compare.Part
import kumiko.dsl.spec.parameterCount
import kumiko.runtime.graph.Cost
import kumiko.runtime.tensor.DType

/** Figures that papers, model cards and profilers give, to the last digit. */
class PublishedFiguresSpec : FunSpec({
    val accounts = listOf(llama7b, llama3_8b, chatGlm6b, gptNeoX20b, gpt2).associate { it.name to Account.of(it) }

    fun account(name: String) = accounts.getValue(name)

    test("parameters are those of the released models") {
        account("llama-7b").parameters shouldBe 6_738_415_616
        account("llama3-8b").parameters shouldBe 8_030_261_248
        account("chatglm-6b").parameters shouldBe 6_173_286_400
        account("gpt-neox-20b").parameters shouldBe 20_554_567_680
        account("gpt2-124m").parameters shouldBe 124_439_808
    }

    test("multiply-accumulates of one prompt of 128 tokens are the published ones") {
        gigaMacs(account("llama-7b").macs(128, 0)) shouldBe "850.00"
        gigaMacs(account("chatglm-6b").macs(128, 0)) shouldBe "793.75"
    }

    test("the key/value cache holds the published bytes per token at fp16") {
        val bytes = accounts.mapValues { it.value.cacheBytesPerToken(DType.F16) }
        bytes shouldBe mapOf(
            "llama-7b" to 524_288L,
            "llama3-8b" to 131_072L,
            "chatglm-6b" to 458_752L,
            "gpt-neox-20b" to 1_081_344L,
            "gpt2-124m" to 36_864L,
        )
    }

    test("the published rule is tokens times linear weights and twice layers, tokens, keys and width") {
        accounts.values.forEach { account ->
            val spec = account.spec
            val width = account.nodes.first { it.name == "embedding" }.node.type().width().toLong()
            val heads = account.nodes.filter { it.part == Part.HEAD }.sumOf { it.macs(1, 0) }
            val blocks = account.nodes.filter { it.part in setOf(Part.ATTENTION, Part.FFN) }.flatMap { it.weights }
            val matrices = blocks.filter { it.type().extents().size == 2 }.sumOf { Cost.parameterElements(it) }
            listOf(128L to 0L, 1L to 2048L, 16L to 100L).forEach { (seq, past) ->
                withClue("${spec.name}, $seq rows behind $past") {
                    account.macs(seq, past) shouldBe seq * (matrices + heads) + 2L * spec.layers * seq * (past + seq) * width
                }
            }
        }
    }

    test("parts add up to the whole, in parameters as in operations") {
        accounts.values.forEach { account ->
            Part.entries.sumOf { account.parameters(it) } shouldBe account.parameters
            Part.entries.sumOf { account.flops(it, 100, 7) } shouldBe account.flops(100, 7)
            account.parameters shouldBe account.spec.parameterCount()
        }
    }

    test("a causal mask halves the pairs, so the causal count lies under the published one") {
        accounts.filterKeys { it != "chatglm-6b" }.values.forEach { account ->
            val products = account.nodes.filter { it.name.endsWith(".scores") || it.name.endsWith(".mixed") }
            val saved = products.sumOf { 2 * it.macs(512, 0) - it.flops(512, 0) }
            saved shouldBe products.sumOf { 2 * it.macs(512, 0) } * 511 / 1024
        }
    }
})

private fun gigaMacs(macs: Long) = "%.2f".format(java.util.Locale.ROOT, macs / 1e9)
