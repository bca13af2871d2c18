package kumiko.architectures

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.dsl.spec.SpecException
import java.io.File

class SpecFilesSpec : FunSpec({
    test("a family is described in at most 25 lines, its source included") {
        for (family in listOf("Gpt2", "Llama", "GptNeoX", "Glm")) {
            val lines = File("src/main/kotlin/kumiko/architectures/$family.kt").readLines()
            withClue(family) { lines.size shouldBeLessThanOrEqual 25 }
        }
    }

    test("built-in models are found by name, and a misspelt name is answered") {
        Architectures.all.values.forEach { Architectures[it.name] shouldBe it }
        shouldThrow<SpecException> {
            Architectures["lama3-8b"]
        }.message shouldBe "no built-in model is called 'lama3-8b'; did you mean llama3-8b?"
    }
})
