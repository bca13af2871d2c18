package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.decodeFromJsonElement
import kotlinx.serialization.json.jsonObject
import kumiko.architectures.Architectures
import kumiko.dsl.compare.Edit
import kumiko.dsl.compare.apply
import kumiko.dsl.compare.diff
import kumiko.dsl.compare.sameButForNames
import kumiko.dsl.spec.toJson
import kumiko.testing.Golden

class DiffCommandSpec : FunSpec({
    for ((from, to) in listOf(
        "gpt2-124m" to "gpt-neox-20b",
        "gpt2-124m" to "llama3-8b",
        "gpt-neox-20b" to "chatglm-6b",
        "llama-7b" to "llama3-8b",
        "gpt2-124m" to "gpt2-124m-untied",
        "llama3-8b" to "qwen2-7b",
    )) {
        test("diff prints the edits from $from to $to") {
            val ran = kumiko("diff", from, to, width = 140)
            ran.err shouldBe ""
            ran.code shouldBe Exit.CHECK_FAILED
            Golden.check("diff/$from-$to.txt", ran.out)
        }
    }

    test("diff prints edits that a program can apply") {
        val ran = kumiko("diff", "llama-7b", "llama3-8b", "--json")
        ran.code shouldBe Exit.CHECK_FAILED
        Golden.check("diff/llama-7b-llama3-8b.json", ran.out)
        val edits: List<Edit> = Json.decodeFromJsonElement(Json.parseToJsonElement(ran.out).jsonObject.getValue("edits"))
        apply(edits, Architectures["llama-7b"]).sameButForNames(Architectures["llama3-8b"]) shouldBe true
    }

    test("models that are the same but for names do not differ") {
        val file = tempdir().resolve("mine.spec.json").apply { writeText(Architectures["gpt2-124m"].copy(name = "mine").toJson()) }
        kumiko("diff", "gpt2-124m", file.path) shouldBe Ran(Exit.GOOD, "gpt2-124m and mine are the same but for names\n", "")
    }

    test("the edits between any two built-in models make exactly the second") {
        val models = Architectures.all.values
        for (a in models) {
            for (b in models) {
                val edits = diff(a, b)
                apply(edits, a).sameButForNames(b) shouldBe true
                edits.isEmpty() shouldBe (a === b)
            }
        }
    }
})
