package kumiko.dsl.mapping

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

/** The meaning of a word with names of configuration keys in braces, which stand for their values: `"2 * {num_layers} * embed"`. */
internal object FilledWords {
    private val KEY = Regex("\\{([A-Za-z_]+)}")

    /** [meaning] with the values of keys; a key without a value stays as it is. */
    fun fill(meaning: JsonElement, value: (String) -> String?): JsonElement = when (meaning) {
        is JsonObject -> JsonObject(meaning.mapValues { fill(it.value, value) })

        is JsonArray -> JsonArray(meaning.map { fill(it, value) })

        is JsonPrimitive -> if (!meaning.isString) {
            meaning
        } else {
            JsonPrimitive(KEY.replace(meaning.content) { value(it.groupValues[1]) ?: it.value })
        }
    }

    /** Whether [value] may be [meaning] filled; what a string that is one name alone stands for is put into [bound]. */
    fun fits(meaning: JsonElement, value: JsonElement, bound: MutableMap<String, String>): Boolean = when (meaning) {
        is JsonObject -> value is JsonObject && meaning.keys == value.keys && meaning.all { (k, v) -> fits(v, value.getValue(k), bound) }

        is JsonArray -> value is JsonArray && meaning.size == value.size && meaning.indices.all { fits(meaning[it], value[it], bound) }

        is JsonPrimitive -> value is JsonPrimitive && (KEY.containsMatchIn(meaning.content) || meaning.content == value.content).also {
            KEY.matchEntire(meaning.content)?.let { bound[it.groupValues[1]] = value.content }
        }
    }
}
