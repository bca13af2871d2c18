package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.double
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive

/** The least cosine of a prompt's logits in bf16 with those in float32. */
private const val LEAST_COSINE = 0.9999

/** `--arithmetic bf16`: products of bf16. */
class ArithmeticOptionSpec : FunSpec({
    for (set in listOf("llama-hf-bf16", "llama-meta-bf16")) {
        test("$set in bf16: the logits point where those of float32 do").config(enabledOrReasonIf = Reference.present) {
            val folder = "${Reference.folder(set)}"
            val ran = kumiko("parity", folder, folder, "--arithmetic", "bf16", "--json")
            ran.code shouldBe Exit.GOOD
            val report = Json.parseToJsonElement(ran.out).jsonObject
            report.getValue("arithmetic").jsonPrimitive.content shouldContain ", bf16 products by "
            val nodes = report.getValue("nodes").jsonArray.map { it.jsonObject }
            val logits = nodes.single { it.getValue("node").jsonPrimitive.content == "logits" }
            logits.getValue("cosine").jsonPrimitive.double shouldBeGreaterThanOrEqual LEAST_COSINE
            val exact = kumiko("parity", folder, folder, "--json").out
            Json.parseToJsonElement(exact).jsonObject.getValue("nodes").jsonArray.map { it.jsonObject } shouldNotBe nodes
        }
    }

    test("any other arithmetic is refused with the two there are") {
        val ran = kumiko("generate", "anything", "--ids", "1", "--arithmetic", "f16")
        ran.code shouldBe Exit.BAD_INPUT
        ran.err shouldContain "invalid value for --arithmetic: invalid choice: f16. (choose from f32, bf16)"
    }
})
