package kumiko.architectures

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.collections.shouldNotContain
import io.kotest.matchers.shouldBe
import kumiko.dsl.spec.parameterCount
import kumiko.dsl.spec.parameters

class Qwen2Spec : FunSpec({
    test("parameters are those of the released model") {
        qwen2_7b.parameterCount() shouldBe 7_615_616_512
    }

    test("query, key and value have a bias, the output has none") {
        val names = qwen2_7b.parameters().map { it.name }
        listOf("query", "key", "value").forEach { names shouldContain "blocks.0.attention.$it.bias" }
        names shouldNotContain "blocks.0.attention.out.bias"
    }
})
