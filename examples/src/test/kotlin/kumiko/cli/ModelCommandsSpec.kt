package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.inspectors.forAll
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kotlinx.serialization.json.long
import kumiko.architectures.Architectures
import kumiko.dsl.spec.*
import kumiko.runtime.graph.Activation
import kumiko.testing.Golden

/** `list`, `show` and `compare`. */
class ModelCommandsSpec : FunSpec({
    fun golden(name: String, vararg arguments: String, width: Int = 100) {
        val ran = kumiko(*arguments, width = width)
        ran.err shouldBe ""
        ran.code shouldBe Exit.GOOD
        Golden.check(name, ran.out)
    }

    test("list prints every built-in model") {
        golden("list.txt", "list")
        golden("list.json", "list", "--json")
    }

    for (model in Architectures.all.keys) {
        test("show draws $model") { golden("show/$model.txt", "show", model) }
    }

    test("show prints a model for programs") {
        golden("show/gpt2-124m.json", "show", "gpt2-124m", "--json")
    }

    test("show draws wirings that no built-in model has") {
        val norm = rmsNorm(Dim.of(8), eps = 1e-6)
        val ffn = mlp(Dim.of(8), Dim.of(16), Activation.RELU)
        val attention = attention(Dim.of(8), Dim.of(2), Dim.of(4), mask = windowed(3))
        val blocks = listOf(
            postNorm(attention then norm, ffn then norm),
            gatedResidual(linear(Dim.of(8), Dim.of(8)))(norm then ffn then norm),
            scaledResidual(LayerExpr.of(0.5))(norm then sum(attention, product(ffn, activation(Activation.SILU).named("switch")))),
        )
        val spec = ModelSpec("odd", SequentialPositions, tokens(Dim.of(32), Dim.of(8)), listOf(Blocks(6, blocks)), norm then tiedToTokens)
        val file = tempdir().resolve("odd.spec.json").apply { writeText(spec.toJson()) }
        golden("show/odd.txt", "show", file.path)
        golden("compare/odd.txt", "compare", file.path, "gpt2-124m")
    }

    test("show fits into a narrow terminal") {
        for (model in Architectures.all.keys) kumiko("show", model, width = 80).out.lines().forAll { it.length shouldBeLessThanOrEqual 80 }
    }

    test("compare fits four models into a terminal of any usual width") {
        val models = arrayOf("gpt2-124m", "llama3-8b", "gpt-neox-20b", "chatglm-6b")
        for (width in listOf(80, 100, 120, 160)) {
            val out = kumiko("compare", *models, width = width).out
            out.lines().forAll { it.length shouldBeLessThanOrEqual width }
            for (number in listOf(
                "124,439,808",
                "8,030,261,248",
                "20,554,567,680",
                "6,173,286,400",
                "13,288,906,752   64.7%",
            )) {
                out shouldContain number
            }
        }
        golden("compare/narrow.txt", "compare", *models, width = 80)
    }

    test("compare lays models side by side") {
        golden("compare/gpt2-llama3.txt", "compare", "gpt2-124m", "llama3-8b")
        golden("compare/gpt2-llama3.json", "compare", "gpt2-124m", "llama3-8b", "--json")
        golden("compare/four.txt", "compare", "gpt2-124m", "llama3-8b", "gpt-neox-20b", "chatglm-6b", width = 140)
        golden("compare/one.txt", "compare", "gpt2-124m")
    }

    test("the parts of every model add up to its parameters") {
        val models = Json.parseToJsonElement(kumiko("compare", *Architectures.all.keys.toTypedArray(), "--json").out).jsonObject
        models.getValue("models").jsonArray.map { it.jsonObject }.forAll { model ->
            val parts = model.getValue("parametersByPart").jsonObject.values.sumOf { it.jsonPrimitive.long }
            parts shouldBe model.getValue("parameters").jsonPrimitive.long
            parts shouldBe Architectures[model.getValue("name").jsonPrimitive.content].parameterCount()
        }
    }

    test("the cache of a token is the keys and values of every layer") {
        val models = Json.parseToJsonElement(
            kumiko("compare", "gpt2-124m", "llama3-8b", "--json").out,
        ).jsonObject.getValue("models").jsonArray
        val bytes = models.map { it.jsonObject.getValue("cacheBytesPerTokenAt16Bit").jsonPrimitive.long }
        bytes shouldBe listOf(12L * 2 * 768 * 2, 32L * 2 * 8 * 128 * 2)
    }
})
