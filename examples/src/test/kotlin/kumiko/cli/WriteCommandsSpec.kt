package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.inspectors.forAll
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import kumiko.architectures.Maps
import kumiko.dsl.mapping.CheckpointModel
import kumiko.runtime.tensor.DType
import java.io.File

/** `init` and `convert`. */
class WriteCommandsSpec : FunSpec({
    fun initialise(model: String, map: String, out: File, vararg options: String): Ran =
        kumiko("init", model, "--map", map, "--out", out.path, *options.ifEmpty { arrayOf("--seed", "1") }, "--tiny")

    fun bytes(folder: File): Map<String, List<Byte>> = folder.listFiles().orEmpty().associate { it.name to it.readBytes().toList() }

    test("a tiny model of every family is written and checked") {
        val models = mapOf(
            "gpt2-hf" to "gpt2-124m",
            "llama-hf" to "llama3-8b",
            "llama-meta" to "llama3-8b",
            "chatglm-6b" to "chatglm-6b",
        )
        models.toList().forAll { (map, model) ->
            val out = tempdir().resolve("tiny")
            val written = initialise(model, map, out)
            written.err shouldBe ""
            written.code shouldBe Exit.GOOD
            kumiko("check", out.path).code shouldBe Exit.GOOD
        }
    }

    test("the same seed gives the same files and another seed others") {
        val folder = tempdir()
        initialise("gpt2-124m", "gpt2-hf", folder.resolve("a"), "--seed", "7")
        initialise("gpt2-124m", "gpt2-hf", folder.resolve("b"), "--seed", "7")
        initialise("gpt2-124m", "gpt2-hf", folder.resolve("c"), "--seed", "8")
        bytes(folder.resolve("a")) shouldBe bytes(folder.resolve("b"))
        bytes(folder.resolve("a")).getValue("model.safetensors") shouldNotBe bytes(folder.resolve("c")).getValue("model.safetensors")
    }

    test("there and back through another layout is the same checkpoint") {
        val folder = tempdir()
        val (first, other, back) = listOf("first", "other", "back").map { folder.resolve(it) }
        initialise("llama3-8b", "llama-meta", first)
        kumiko("convert", first.path, "--to", "llama-hf", "--out", other.path).err shouldBe ""
        kumiko("convert", other.path, "--to", "llama-meta", "--out", back.path).err shouldBe ""
        bytes(back).filterKeys { it.endsWith(".pth") } shouldBe bytes(first).filterKeys { it.endsWith(".pth") }
    }

    test("weights are stored in the type asked for") {
        val out = tempdir().resolve("bf16")
        initialise("gpt2-124m", "gpt2-hf", out, "--seed", "1", "--dtype", "bf16").out shouldContain "parameters of BF16"
        CheckpointModel.open(out.toPath(), Maps).use { model ->
            model.load().use { weights -> weights.parameters.values.map { it.dtype() }.distinct() shouldBe listOf(DType.BF16) }
        }
    }

    test("a folder that has something in it is not overwritten") {
        val out = tempdir().apply { resolve("precious").writeText("x") }
        val ran = initialise("gpt2-124m", "gpt2-hf", out)
        ran.code shouldBe Exit.BAD_INPUT
        ran.err shouldContain "nothing is overwritten"
        out.list()!!.toList() shouldBe listOf("precious")
    }

    test("a model in a layout of another family is refused") {
        val ran = initialise("gpt2-124m", "llama-hf", tempdir().resolve("x"))
        ran.code shouldBe Exit.BAD_INPUT
        ran.out shouldBe ""
    }
})
