package kumiko.cli.text

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.add
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kotlinx.serialization.json.putJsonObject

/**
 * The parts of a `tokenizer.json` (huggingface/tokenizers, serialization of `Tokenizer`). The older formats are read into this one, so
 * that a single engine, the one most models are published with, does the work for all of them.
 */
internal object TokenizerJson {
    /** A token that is found in a text before anything else looks at it. */
    data class Added(val id: Int, val content: String, val special: Boolean)

    fun file(
        added: List<Added>,
        normalizer: JsonElement?,
        preTokenizer: JsonElement?,
        beginning: Added?,
        decoder: JsonElement,
        model: JsonElement,
    ): JsonObject = buildJsonObject {
        put("version", "1.0")
        putJsonArray("added_tokens") { added.forEach { add(addedToken(it)) } }
        normalizer?.let { put("normalizer", it) }
        preTokenizer?.let { put("pre_tokenizer", it) }
        beginning?.let { put("post_processor", beginWith(it)) }
        put("decoder", decoder)
        put("model", model)
    }

    private fun addedToken(token: Added) = buildJsonObject {
        put("id", token.id)
        put("content", token.content)
        listOf("single_word", "lstrip", "rstrip", "normalized").forEach { put(it, false) }
        put("special", token.special)
    }

    private fun beginWith(token: Added) = typed("TemplateProcessing") {
        val begin = buildJsonObject {
            putJsonObject("SpecialToken") {
                put("id", token.content)
                put("type_id", 0)
            }
        }
        fun sequence(id: String, type: Int) = buildJsonObject {
            putJsonObject("Sequence") {
                put("id", id)
                put("type_id", type)
            }
        }
        put("single", JsonArray(listOf(begin, sequence("A", 0))))
        put("pair", JsonArray(listOf(begin, sequence("A", 0), sequence("B", 1))))
        putJsonObject("special_tokens") {
            putJsonObject(token.content) {
                put("id", token.content)
                putJsonArray("ids") { add(token.id) }
                putJsonArray("tokens") { add(token.content) }
            }
        }
    }

    fun typed(type: String, parts: JsonObjectBuilder.() -> Unit = {}): JsonObject = buildJsonObject {
        put("type", type)
        parts()
    }

    fun sequence(key: String, parts: List<JsonElement>): JsonObject = typed("Sequence") { put(key, JsonArray(parts)) }

    fun replace(pattern: Pair<String, String>, content: String): JsonObject = typed("Replace") {
        putJsonObject("pattern") { put(pattern.first, pattern.second) }
        put("content", content)
    }

    fun byteLevel(ownSplit: Boolean): JsonObject = typed("ByteLevel") {
        put("add_prefix_space", false)
        put("trim_offsets", true)
        put("use_regex", ownSplit)
    }

    fun bytePairs(vocabulary: Map<String, Int>, merges: List<Pair<String, String>>, parts: JsonObjectBuilder.() -> Unit): JsonObject =
        typed("BPE") {
            parts()
            putJsonObject("vocab") { vocabulary.forEach { (token, id) -> put(token, id) } }
            putJsonArray("merges") { merges.forEach { (left, right) -> add("$left $right") } }
        }
}
