package kumiko.cli

import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.add
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kumiko.dsl.mapping.KeyAccount

/** A key account for programs, key by key. */
internal fun KeyAccount.toJson(): JsonObject = buildJsonObject {
    put("model", model)
    put("map", map)
    put("fits", fits)
    put("parameters", parameters)
    putJsonArray("matched") {
        matched.forEach { key ->
            addJsonObject {
                put("key", key.route.key)
                putJsonArray("files") { key.parts.forEach { add(it.file) } }
                put("dtype", "${key.parts.first().dtype}")
                putJsonArray("shape") { repeat(key.parts.first().shape.rank()) { axis -> add(key.parts.first().shape.dim(axis)) } }
                putJsonArray("fills") { key.filled().forEach { add(it) } }
                put("steps", key.steps)
            }
        }
    }
    putJsonArray("ignored") {
        ignored.forEach {
            addJsonObject {
                put("key", it.tensor.key)
                put("file", it.tensor.file)
                put("reason", it.reason)
            }
        }
    }
    putJsonArray("problems") {
        problems.forEach {
            addJsonObject {
                put("kind", it.kind.word)
                put("name", it.name)
                put("spec", it.spec)
                put("checkpoint", it.checkpoint)
                put("hint", it.hint)
            }
        }
    }
}
