package kumiko.runtime.checkpoint

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldStartWith
import kumiko.runtime.referenceData
import java.nio.file.Files
import java.nio.file.Path

private data class Case(val file: String, val readable: Boolean, val prefix: String)

private fun cases(folder: Path): List<Case> {
    val manifest = Files.readString(folder.resolve("manifest.json"))
    return Regex("\"([^\"]+)\": \\{([^}]*)}").findAll(manifest).map { found ->
        val (name, body) = found.destructured
        val prefix = Regex("\"key_prefix\": \"([^\"]*)\"").find(body)?.groupValues?.get(1).orEmpty()
        Case(name, "\"readable\": true" in body, prefix)
    }.toList()
}

class ReferenceFormatsSpec : FunSpec({
    val reference = referenceData

    test("every PyTorch file of the reference data reads as its manifest says, with the values of values safetensors")
        .config(enabled = reference != null) {
            val folder = reference!!.resolve("torch-formats")
            val cases = cases(folder).shouldNotBeEmpty()
            TensorFile.open(folder.resolve("values.safetensors")).use { values ->
                for (case in cases) withClue(case.file) { check(folder.resolve(case.file), case, values) }
            }
        }

    test("every safetensors file of the reference data is read or refused as its manifest says")
        .config(enabled = reference != null) {
            val folder = reference!!.resolve("safetensors-formats")
            for (case in cases(folder).shouldNotBeEmpty()) {
                val path = folder.resolve(case.file)
                withClue(case.file) {
                    if (case.readable) TensorFile.open(path).close() else refused(path)
                }
            }
        }

    test("the safetensors file with all types holds the values and the metadata of the reference")
        .config(enabled = reference != null) {
            val all = TensorFile.open(reference!!.resolve("safetensors-formats/all_types.safetensors"))
            val values = TensorFile.open(reference.resolve("torch-formats/values.safetensors"))
            all.use { values.use { same(all, values, "") } }
            all.metadata() shouldBe mapOf("note" to "Ünïcode", "format" to "pt")
        }
})

private fun check(path: Path, case: Case, values: TensorFile) {
    if (!case.readable) {
        refused(path)
        return
    }
    TensorFile.open(path).use { file ->
        val weights = file.names().filter { it.startsWith(case.prefix) }
        val renamed = weights.map { it.removePrefix(case.prefix).replace(Regex("^block\\.0\\."), "view.") }
        renamed shouldContainExactlyInAnyOrder values.names()
        for ((stored, name) in weights.zip(renamed)) withClue(name) { same(file, stored, values, name) }
    }
}

private fun same(file: TensorFile, values: TensorFile, prefix: String) {
    file.names() shouldContainExactlyInAnyOrder values.names().map { prefix + it }
    for (name in values.names()) withClue(name) { same(file, prefix + name, values, name) }
}

private fun same(file: TensorFile, stored: String, values: TensorFile, name: String) {
    file.entry(stored).dtype() shouldBe values.entry(name).dtype()
    file.entry(stored).shape() shouldBe values.entry(name).shape()
    file.tensor(stored).bytes() shouldBe values.tensor(name).bytes()
}

private fun refused(path: Path) {
    shouldThrow<CheckpointException> { TensorFile.open(path).close() }.message!! shouldStartWith "$path: "
}
