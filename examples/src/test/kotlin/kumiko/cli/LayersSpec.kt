package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldEndWith
import kumiko.runtime.checkpoint.TensorFile
import java.lang.foreign.ValueLayout
import java.nio.file.Path
import kotlin.io.path.deleteExisting

/** `--layers`: the first layers of a model. */
class LayersSpec : FunSpec({
    val root = tempdir().toPath()

    fun initialised(model: String, map: String): Path = root.resolve(map).also {
        check(kumiko("init", model, "--tiny", "--map", map, "--seed", "1", "--out", "$it").code == Exit.GOOD)
    }
    val neox = initialised("gpt-neox-20b", "neox-20b-shards")
    val gpt2 = initialised("gpt2-124m", "gpt2-hf")

    fun good(vararg arguments: String): String = kumiko(*arguments).also { check(it.code == Exit.GOOD) { it } }.out

    fun refused(vararg arguments: String): String {
        val ran = kumiko(*arguments)
        ran.code shouldBe Exit.BAD_INPUT
        ran.out shouldBe ""
        return ran.err.replace("$root", "R")
    }

    fun trace(out: String, vararg options: String): Path = root.resolve(out).also {
        good("trace", "$gpt2", "--ids", "1,2,3", "--capture", "*", "--out", "$it", *options)
    }

    fun TensorFile.floats(name: String): List<Float> = tensor(name).data().toArray(ValueLayout.JAVA_FLOAT).toList()

    test("the first layers compute what they compute in the whole model, and the head reads what they give") {
        TensorFile.open(trace("whole.safetensors")).use { whole ->
            TensorFile.open(trace("part.safetensors", "--layers", "0..0")).use { part ->
                val inner = whole.names().filter { it.startsWith("embedding") || it.startsWith("blocks.0") }
                part.names().filter { !it.startsWith("head") && it != "logits" }.toSet() shouldBe inner.toSet()
                inner.forEach { part.floats(it) shouldBe whole.floats(it) }
                (part.floats("logits") == whole.floats("logits")) shouldBe false
            }
        }
    }

    test("a whole model in layers is the whole model") {
        good("generate", "$gpt2", "--ids", "1,2", "--tokens", "5", "--layers", "0..1") shouldBe
            good("generate", "$gpt2", "--ids", "1,2", "--tokens", "5")
    }

    test("files of layers that are not asked for may be absent") {
        neox.resolve("layer_03-model_00-model_states.pt").deleteExisting()
        kumiko("check", "$neox").code shouldBe Exit.CHECK_FAILED
        val checked = good("check", "$neox", "--layers", "0..0")
        checked shouldContain "only the layers 0..0 are looked at\n20 of 36 parameters are filled"
        good("generate", "$neox", "--ids", "1", "--tokens", "2", "--layers", "0..0")
    }

    test("parity compares what was loaded and says what it leaves out") {
        val ran = good("parity", "$gpt2", "${trace("all.safetensors")}", "--atol", "0", "--layers", "0..0")
        ran shouldContain "blocks.0 "
        ran.contains("blocks.1 ") shouldBe false
        ran shouldEndWith "19 of 19 tensors within tolerance, " +
            "only the layers 0..0: 18 tensors and all continuations of the reference are left out.\n"
        val head = root.resolve("head.safetensors")
        good("trace", "$gpt2", "--ids", "1,2,3", "--capture", "logits", "--out", "$head")
        refused("parity", "$gpt2", "$head", "--atol", "0", "--layers", "0..0") shouldBe
            "R/head.safetensors: has no tensor of the first 1 layers, so there is nothing to compare.\n"
    }

    test("a range that is none, or that the model does not have, is refused") {
        for (text in listOf("3", "0..99999999999", "0..", "-1..2")) {
            refused("check", "$gpt2", "--layers=$text") shouldBe "Usage: kumiko check [<options>] <checkpoint>\n\n" +
                "Error: invalid value for --layers: \"$text\" is no range of layers; the first four are 0..3\n"
        }
        for (range in listOf("0..200000000", "1..1", "0..2")) {
            refused("check", "$gpt2", "--layers", range) shouldBe "R/gpt2-hf has the layers 0..1, and $range was asked for. " +
                "A part of a model begins at layer 0 and ends at one of its layers.\n"
        }
    }
})
