package kumiko.cli

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.core.test.Enabled
import io.kotest.core.test.EnabledOrReasonIf
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.file.Files
import java.nio.file.Path

/**
 * The script that writes a reference from any Hugging Face model, on checkpoints that Kumiko wrote in their layout. Needs a Python with
 * torch, transformers and safetensors, named by the environment variable KUMIKO_PYTHON.
 */
class ReferenceScriptSpec : FunSpec({
    val python = System.getenv("KUMIKO_PYTHON")
    val present: EnabledOrReasonIf = {
        if (python != null) Enabled.enabled else Enabled.disabled("KUMIKO_PYTHON names no Python with torch and transformers")
    }

    fun script(vararg arguments: String): Ran {
        val errors = Files.createTempFile("reference", ".err")
        val process = ProcessBuilder(python, "reference.py", *arguments).redirectError(errors.toFile()).start()
        val out = process.inputStream.readAllBytes().decodeToString()
        return Ran(process.waitFor(), out, Files.readString(errors)).also { Files.delete(errors) }
    }

    for ((name, write) in mapOf<String, (Path) -> Path>("gpt2" to TinyCheckpoints::gpt2, "llama" to TinyCheckpoints::llama)) {
        test("transformers computes of a $name that Kumiko wrote what Kumiko computes").config(enabledOrReasonIf = present) {
            val root = tempdir().toPath()
            val checkpoint = write(root.resolve(name)).toString()
            val reference = root.resolve("reference").toString()
            val made = script(checkpoint, reference, "--ids", "1,2,3,4,5", "--ids", "7", "--tokens", "6")
            withClue(made) { made.code shouldBe 0 }
            val ran = kumiko("parity", checkpoint, reference, width = 160)
            withClue(ran.out + ran.err) { ran.code shouldBe Exit.GOOD }
            ran.out shouldContain "16 of 16 tensors within tolerance, 2 of 2 continuations equal."
            script(checkpoint, reference, "--ids", "1").err shouldContain "exists already; name a new folder"
        }
    }
})
