package kumiko.architectures

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.CheckpointModel
import kumiko.runtime.checkpoint.Checkpoint
import kumiko.runtime.tensor.Tensor
import java.nio.file.Files
import java.nio.file.Path
import java.util.zip.CRC32

/** Needs the reference checkpoints; skipped where they are absent. */
class RoundTripSpec : FunSpec({
    val reference: Path? = System.getProperty("kumiko.reference")?.let(Path::of)?.takeIf(Files::isDirectory)

    fun describe(tensor: Tensor): String {
        val bytes = tensor.data().asByteBuffer()
        return "${tensor.dtype()} ${tensor.shape()} ${CRC32().also { it.update(bytes.duplicate()) }.value} ${bytes.hashCode()}"
    }

    /** Every tensor of a folder by file (shards of an index are one file) and key: type, shape and bytes. */
    fun contents(folder: Path): Map<String, String> = Checkpoint.open(folder).use { checkpoint ->
        val sharded = checkpoint.files().any { "0" in it && "-of-" !in it }
        checkpoint.files().flatMap { file ->
            val place = if (sharded) file else ""
            val tensors = checkpoint.file(file)
            tensors.names().map { "$place $it" to describe(tensors.tensor(it)) }
        }.toMap()
    }

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
