package kumiko.architectures

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.spec.parameterCount

class ParameterCountSpec : FunSpec({
    test("GPT-2 124M has 124,439,808 parameters") { gpt2.parameterCount() shouldBe 124_439_808 }
    test("LLaMA-3 8B has 8,030,261,248 parameters") { llama3_8b.parameterCount() shouldBe 8_030_261_248 }
    test("GPT-NeoX-20B has 20,554,567,680 parameters") { gptNeoX20b.parameterCount() shouldBe 20_554_567_680 }
    test("ChatGLM-6B has 6,173,286,400 parameters with its head tied") { chatGlm6b.parameterCount() shouldBe 6_173_286_400 }
    test("GPT-2 untied and without query, key and value bias has 163,009,536 parameters") {
        gpt2Untied.parameterCount() shouldBe 163_009_536
    }
    test("LLaMA 7B has 6,738,415,616 parameters") { llama7b.parameterCount() shouldBe 6_738_415_616 }
    test("Llama 3.2 1B has 1,235,814,400 parameters") { llama32_1b.parameterCount() shouldBe 1_235_814_400 }
    test("Pythia 160M has 162,322,944 parameters") { pythia160m.parameterCount() shouldBe 162_322_944 }
})
