package kumiko.architectures

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.CheckpointModel
import java.nio.file.Files
import java.nio.file.Path

/** Needs the reference checkpoints; skipped where they are absent. */
class ConversionSpec : FunSpec({
    val reference: Path? = System.getProperty("kumiko.reference")?.let(Path::of)?.takeIf(Files::isDirectory)

    fun convert(from: Path, map: String, shards: Int, to: Path): Path {
        CheckpointModel.open(from, Maps).use { model ->
            model.load().use { CheckpointExport(Maps[map], model.spec, shards).write(to, model, it, Maps) }
        }
        return to
    }

    /** Every parameter as the runtime sees it. */
    fun parameters(path: Path): Map<String, String> = CheckpointModel.open(path, Maps).use { model ->
        model.load().use { weights -> weights.parameters.mapValues { (_, matrix) -> describe(matrix) } }
    }

    /** A set, and a way through other layouts: map and number of shards. */
    val ways = listOf(
        "llama-hf" to listOf("llama-meta" to 1, "llama-meta" to 2, "llama2-meta" to 2),
        "llama-hf-bf16" to listOf("llama-meta" to 1),
        "llama-hf-fp16" to listOf("llama-meta" to 4, "llama2-meta" to 2),
        "llama31-hf" to listOf("llama-hf" to 1),
        "llama-meta-2shard" to listOf("llama-hf" to 1, "llama-meta" to 4),
        "llama3-meta-2shard" to listOf("llama-meta" to 1, "llama-hf" to 1),
        "stories260k-meta" to listOf("llama-hf" to 1, "llama2-meta" to 2),
        "stories260k-hf" to listOf("llama2-meta" to 1),
        "neox-hf" to listOf("neox-20b-shards" to 1, "neox-20b-shards" to 2, "neox-mp-rank" to 4),
        "neox-20b-shards" to listOf("neox-hf" to 1, "neox-mp-rank" to 2, "neox-20b-shards" to 4),
        "neox-sort-shards" to listOf("neox-mp-rank" to 1, "neox-hf" to 1),
        "neox-hf-sequential" to listOf("neox-mp-rank" to 2),
        "gpt-nano-sort" to listOf("gpt2-hf" to 1),
        "gpt2-hf" to listOf("gpt2-hf" to 1),
    )

    for ((set, layouts) in ways) {
        val names = layouts.joinToString(", ") { (map, shards) -> "$map in $shards" }
        test("$set through $names has the same parameters everywhere, and comes back byte for byte").config(enabled = reference != null) {
            val root = Files.createTempDirectory("kumiko")
            try {
                val first = reference!!.resolve(set)
                val (map, shards) = CheckpointModel.open(first, Maps).use { it.map.name to it.shards }
                val last = layouts.foldIndexed(first) { i, from, (next, count) ->
                    convert(from, next, count, root.resolve("$i")).also { parameters(it) shouldBe parameters(first) }
                }
                val back = convert(last, map, shards, root.resolve("back"))
                contents(back) shouldBe contents(first)
                listOf("config.json", "params.json").map { first.resolve(it) }.filter(Files::exists).forEach {
                    Files.readString(back.resolve(it.fileName)) shouldBe Files.readString(it)
                }
            } finally {
                root.toFile().deleteRecursively()
            }
        }
    }
})
