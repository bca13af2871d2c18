package kumiko.architectures

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.spec.parameterCount

class ParameterCountSpec : FunSpec({
    test("GPT-2 124M has 124,439,808 parameters") { gpt2_124m.parameterCount() shouldBe 124_439_808 }
    test("LLaMA-3 8B has 8,030,261,248 parameters") { llama3_8b.parameterCount() shouldBe 8_030_261_248 }
    test("GPT-NeoX-20B has 20,554,567,680 parameters") { gptNeoX_20b.parameterCount() shouldBe 20_554_567_680 }
    test("ChatGLM-6B has 6,173,286,400 parameters with its head tied") { chatGlm_6b.parameterCount() shouldBe 6_173_286_400 }
})
