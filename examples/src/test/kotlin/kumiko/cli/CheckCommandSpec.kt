package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldStartWith
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.runtime.checkpoint.SafetensorsWriter
import kumiko.runtime.checkpoint.TensorFile
import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.tensor.Shape
import kumiko.testing.Golden
import java.io.File
import java.io.RandomAccessFile

/** `check`. Needs the reference checkpoints; skipped where they are absent. */
class CheckCommandSpec : FunSpec({
    /** A copy of gpt2-hf whose tensors went through [change]. */
    fun gpt2(change: (List<TensorSource>) -> List<TensorSource>): File {
        val folder = tempdir().resolve("gpt2").apply { mkdir() }
        val original = Reference.folder("gpt2-hf").toFile()
        original.resolve("config.json").copyTo(folder.resolve("config.json"))
        TensorFile.open(original.resolve("model.safetensors").toPath()).use { file ->
            val tensors = file.names().map { TensorSource.of(it, file.tensor(it)) }
            SafetensorsWriter.write(folder.resolve("model.safetensors").toPath(), change(tensors), mapOf())
        }
        return folder
    }

    fun check(folder: File, vararg options: String): Ran = kumiko("check", folder.path, *options, width = 120).let {
        it.copy(out = it.out.replace(folder.path, "CHECKPOINT"), err = it.err.replace(folder.path, "CHECKPOINT"))
    }

    for (set in listOf("gpt2-hf", "llama-meta-2shard", "llama-hf", "neox-20b-shards", "gpt-nano-sort")) {
        test("every key of $set has its place").config(enabledOrReasonIf = Reference.present) {
            val ran = check(Reference.folder(set).toFile())
            ran.err shouldBe ""
            ran.code shouldBe Exit.GOOD
            Golden.check("check/$set.txt", ran.out)
        }
    }

    test("a key that is missing, renamed or of another shape fails the check").config(enabledOrReasonIf = Reference.present) {
        val folder = gpt2 { tensors ->
            tensors.filter { it.name() != "transformer.h.1.ln_2.bias" }.map {
                when (it.name()) {
                    "transformer.h.0.mlp.c_fc.bias", "transformer.h.1.mlp.c_fc.bias" -> TensorSource(
                        it.name(),
                        it.dtype(),
                        Shape.of(2, 128),
                        it.body(),
                    )

                    "transformer.ln_f.weight" -> TensorSource("transformer.ln_g.weight", it.dtype(), it.shape(), it.body())

                    else -> it
                }
            }
        }
        val ran = check(folder)
        ran.err shouldBe ""
        ran.code shouldBe Exit.CHECK_FAILED
        Golden.check("check/broken.txt", ran.out)
    }

    test("the account for programs names every key").config(enabledOrReasonIf = Reference.present) {
        val folder = gpt2 { tensors -> tensors.filter { it.name() != "transformer.h.1.ln_2.bias" } }
        val ran = check(folder, "--json", "--map", "gpt2-hf")
        ran.code shouldBe Exit.CHECK_FAILED
        val account = Json.parseToJsonElement(ran.out).jsonObject
        account.getValue("fits").jsonPrimitive.boolean shouldBe false
        account.getValue("matched").jsonArray.size shouldBe 39
        account.getValue("problems").jsonArray.single().jsonObject.getValue("kind").jsonPrimitive.content shouldBe "missing"
    }

    test("a truncated file is bad input").config(enabledOrReasonIf = Reference.present) {
        val folder = gpt2 { it }
        RandomAccessFile(folder.resolve("model.safetensors"), "rw").use { it.setLength(it.length() - 1) }
        val ran = check(folder, "--map", "gpt2-hf")
        ran.code shouldBe Exit.BAD_INPUT
        ran.out shouldBe ""
        Golden.check("check/truncated.txt", ran.err)
    }

    test("a configuration of another kind of model is refused with all that every map says against it") {
        val folder = TinyCheckpoints.gpt2(tempdir().toPath())
        val config = folder.resolve("config.json").toFile()
        config.writeText(config.readText().replace("\"gpt2\"", "\"gpt3\""))
        val ran = check(folder.toFile())
        ran.code shouldBe Exit.BAD_INPUT
        Golden.check("check/other-model.txt", ran.err)
    }

    test("an empty directory is bad input") {
        val ran = check(tempdir())
        ran.code shouldBe Exit.BAD_INPUT
        ran.err shouldStartWith "CHECKPOINT: none of the "
    }

    test("a directory that is not there is bad input") {
        check(File("nowhere")) shouldBe
            Ran(Exit.BAD_INPUT, "", "CHECKPOINT: there is no such file or directory. Check the path for a typing mistake.\n")
    }

    test("a mistyped map gets a suggestion") {
        check(tempdir(), "--map", "gpt2-hff") shouldBe Ran(Exit.BAD_INPUT, "", "there is no map called 'gpt2-hff'; did you mean gpt2-hf?\n")
    }

    test("a checkpoint directory is a model to show and compare").config(enabledOrReasonIf = Reference.present) {
        val folder = "${Reference.folder("gpt2-hf")}"
        kumiko("compare", folder, "gpt2-124m").code shouldBe Exit.GOOD
        kumiko("show", folder).out shouldStartWith "gpt2-hf: "
    }
})
