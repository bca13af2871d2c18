package kumiko.architectures

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.spec.parameters
import java.nio.file.Files
import java.nio.file.Path

/** Needs the reference checkpoints; skipped where they are absent. */
class ReferenceSetsSpec : FunSpec({
    val reference: Path? = System.getProperty("kumiko.reference")?.let(Path::of)?.takeIf(Files::isDirectory)

    val maps = mapOf(
        "gpt2-hf" to "gpt2-hf",
        "gpt2-rasbt" to "gpt2-book",
        "gpt-nano-sort" to "gpt2-mingpt",
        "llama-hf" to "llama-hf",
        "llama-hf-bf16" to "llama-hf",
        "llama-hf-fp16" to "llama-hf",
        "llama31-hf" to "llama-hf",
        "stories260k-hf" to "llama-hf",
        "llama-meta" to "llama-meta",
        "llama-meta-bf16" to "llama-meta",
        "llama3-meta-2shard" to "llama-meta",
        "llama-meta-2shard" to "llama2-meta",
        "stories260k-meta" to "llama2-meta",
        "neox-hf" to "neox-hf",
        "neox-hf-sequential" to "neox-hf",
        "neox-20b-shards" to "neox-20b-shards",
        "neox-sort-shards" to "neox-20b-shards",
        "chatglm-6b" to "chatglm-6b",
        "chatglm-6b-ptuning" to "chatglm-6b",
    )

    for ((set, map) in maps) {
        test("$set is recognised as $map and loads key for key").config(enabled = reference != null) {
            CheckpointModel.open(reference!!.resolve(set), Maps).use { model ->
                model.map.name shouldBe map
                model.account.problems.shouldBeEmpty()
                model.load().use { weights ->
                    weights.parameters.keys shouldBe model.spec.parameters().map { it.name }.toSet()
                    model.spec.parameters().forEach { p ->
                        weights[p.name]!!.let { listOf(it.rows(), it.columns()) } shouldBe (p.shape + 1).take(2)
                    }
                }
            }
        }
    }
})
