package kumiko.dsl.mapping

import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Shape

/** A small model of two layers and maps for it, for tests that need no family. */
internal object MapFixtures {
    val targets = Targets("toy", 2, listOf(Target("embedding.tokens.weight", listOf(10, 8))) + (0..1).flatMap(::block))

    private fun block(i: Int) = listOf(
        Target("blocks.$i.attention.query.weight", listOf(8, 8), Target.Heads(4, 2)),
        Target("blocks.$i.attention.query.bias", listOf(8), Target.Heads(4, 2)),
        Target("blocks.$i.attention.key.weight", listOf(4, 8), Target.Heads(2, 2)),
        Target("blocks.$i.attention.key.bias", listOf(4), Target.Heads(2, 2)),
        Target("blocks.$i.attention.value.weight", listOf(4, 8), Target.Heads(2, 2)),
        Target("blocks.$i.attention.value.bias", listOf(4), Target.Heads(2, 2)),
        Target("blocks.$i.ffn.up.weight", listOf(12, 8)),
    )

    fun map(vararg rules: String, file: String = "model.safetensors", ignore: String = "{}", name: String = "toy.keys.json") =
        CheckpointMap.parse(
            name,
            """
            { "schema": "checkpoint-map/1", "model": "toy", "ignore": $ignore, "sections": [
              { "file": "$file", "rules": [
            """.trimIndent() + rules.joinToString(",\n", "\n", "\n] } ] }"),
        )

    val fused = arrayOf(
        """{ "from": "wte", "to": "embedding.tokens.weight" }""",
        """{ "from": "h.{i}.qkv.{p}", "to": "blocks.{i}.attention.{query,key,value}.{p}", "split": "per-head" }""",
        """{ "from": "h.{i}.up.weight", "to": "blocks.{i}.ffn.up.weight", "transpose": true }""",
    )

    fun tensor(key: String, vararg shape: Long, dtype: DType = DType.F32, file: String = "model.safetensors") =
        StoredTensor(file, key, dtype, Shape.of(*shape))

    fun fusedKeys(change: (List<StoredTensor>) -> List<StoredTensor> = { it }): KeyList {
        val all = listOf(tensor("wte", 10, 8)) + (0..1).flatMap { i ->
            listOf(tensor("h.$i.qkv.weight", 16, 8), tensor("h.$i.qkv.bias", 16), tensor("h.$i.up.weight", 8, 12))
        }
        return KeyList(mapOf("model.safetensors" to change(all)), 1)
    }
}
