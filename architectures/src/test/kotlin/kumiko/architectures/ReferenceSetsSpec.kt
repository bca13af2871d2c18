package kumiko.architectures

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.mapping.CheckpointMap
import kumiko.dsl.mapping.CheckpointSource
import kumiko.dsl.mapping.MapChecker
import kumiko.dsl.mapping.WeightLoader
import kumiko.dsl.mapping.targets
import kumiko.dsl.spec.*
import java.nio.file.Files
import java.nio.file.Path

private val reference: Path? = System.getProperty("kumiko.reference")?.let(Path::of)?.takeIf(Files::isDirectory)

private fun map(name: String) =
    CheckpointMap.parse("$name.keys.json", object {}.javaClass.getResource("/kumiko/architectures/$name.keys.json")!!.readText())

class ReferenceSetsSpec : FunSpec({
    val llama = llama3_8b.shrunk(3, "vocab" to 160, "embed" to 64, "heads" to 4, "kvHeads" to 2)
    val sets = listOf(
        Triple("gpt2-hf", "gpt2-hf", gpt2.shrunk(3, "vocab" to 160, "context" to 64, "embed" to 64, "heads" to 4)),
        Triple("llama-hf", "llama-hf", llama.withDims("hidden" to 172)),
        Triple("llama-meta", "llama-meta", llama.withDims("hidden" to 224)),
        Triple("llama3-meta-2shard", "llama-meta", llama.shrunk(2, "hidden" to 224, "heads" to 8, "kvHeads" to 4)),
        Triple("llama-meta-2shard", "llama2-meta", llama.shrunk(2, "hidden" to 192, "kvHeads" to 4)),
        Triple("neox-20b-shards", "neox-20b-shards", gptNeoX20b.shrunk(3, "vocab" to 160, "embed" to 96, "heads" to 4)),
        Triple("neox-hf", "neox-hf", gptNeoX20b.shrunk(3, "vocab" to 160, "embed" to 96, "heads" to 4)),
    )

    for ((set, map, spec) in sets) {
        test("$set fits map $map key for key").config(enabled = reference != null) {
            CheckpointSource.open(reference!!.resolve(set), map(map), spec.layers).use { source ->
                val account = MapChecker.check(map(map), spec.targets(), source.keys).requireFit()
                WeightLoader.load(account, source).use { weights ->
                    weights.parameters.keys shouldBe spec.parameters().map { it.name }.toSet()
                    spec.parameters().forEach { p ->
                        weights[p.name]!!.let { listOf(it.rows(), it.columns()) } shouldBe (p.shape + 1).take(2)
                    }
                }
            }
        }
    }
})
