package kumiko.architectures

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.CheckpointModel
import java.nio.file.Files
import java.nio.file.Path

/** Needs the reference checkpoints; skipped where they are absent. */
class RoundTripSpec : FunSpec({
    val reference: Path? = System.getProperty("kumiko.reference")?.let(Path::of)?.takeIf(Files::isDirectory)

    val sets = listOf(
        "gpt2-hf", "gpt2-rasbt", "gpt-nano-sort", "llama-hf", "llama-hf-bf16", "llama-hf-fp16", "llama31-hf", "stories260k-hf",
        "llama-meta", "llama-meta-bf16", "llama3-meta-2shard", "llama-meta-2shard", "stories260k-meta", "neox-hf", "neox-hf-sequential",
        "neox-20b-shards", "neox-sort-shards", "chatglm-6b", "chatglm-6b-ptuning",
    )

    for (set in sets) {
        test("$set is written as it was read, byte for byte").config(enabled = reference != null) {
            val source = reference!!.resolve(set)
            val out = Files.createTempDirectory("kumiko").resolve(set)
            try {
                CheckpointModel.open(source, Maps).use { model ->
                    model.load().use { CheckpointExport(model.map, model.spec, model.shards).write(out, model, it, Maps) }
                }
                contents(out) shouldBe contents(source)
            } finally {
                out.parent.toFile().deleteRecursively()
            }
        }
    }
})
