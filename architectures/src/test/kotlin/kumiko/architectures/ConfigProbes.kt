package kumiko.architectures

import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonObject
import kumiko.dsl.mapping.KeyTemplate

/**
 * Configurations that say each thing which a map understands once: every spelling, every word, every key there and not there.
 *
 * @param map as it is written
 * @param written a configuration of its layout
 */
internal class ConfigProbes(map: JsonObject, private val written: JsonObject) {
    private val section = map["config"] as JsonObject
    private val keys = section.getValue("keys").jsonObject.entries.flatMap { (names, rule) ->
        spellings(names).map { it to rule as? JsonObject }
    }

    val all: List<JsonObject> = (listOf(written) + keys.flatMap { (names, rule) -> of(names, rule) } + ignored()).distinct()

    private fun of(names: List<String>, rule: JsonObject?): List<JsonObject> {
        val words = (rule?.get("words") as? JsonObject)?.keys.orEmpty().map(::word)
        val fixed = listOfNotNull(rule?.get("unknown"), rule?.get("is"))
        val absent = listOfNotNull(rule?.get("absent")).filter { it is JsonPrimitive && (words.isNotEmpty() || !it.isString) }
        val values = (words + fixed + absent + listOfNotNull(names.firstNotNullOfOrNull(::get))).ifEmpty { listOf(JsonPrimitive(2)) }
        val without = names.fold(written) { json, name -> json.without(name) }
        val plain = listOf(without) + values.flatMap { value -> names.map { without.with(it, value) } }
        val other = (rule?.get("with") as? JsonPrimitive)?.content ?: return plain
        return plain + plain.map { it.with(other, JsonPrimitive(3)) }
    }

    private fun ignored() =
        (section["ignore"] as? JsonObject)?.keys.orEmpty().flatMap { spellings(it).flatten() }.map { written.with(it, JsonPrimitive("x")) }

    private fun word(word: String) = if (word == "true" || word == "false") JsonPrimitive(word.toBoolean()) else JsonPrimitive(word)

    private fun get(name: String): JsonElement? =
        name.split('.').fold(written as JsonElement?) { json, part -> (json as? JsonObject)?.get(part) }

    private fun JsonObject.with(name: String, value: JsonElement): JsonObject {
        val (head, rest) = name.substringBefore('.') to name.substringAfter('.', "")
        if (rest.isEmpty()) return JsonObject(this + (head to value))
        return JsonObject(this + (head to ((get(head) as? JsonObject) ?: JsonObject(emptyMap())).with(rest, value)))
    }

    private fun JsonObject.without(name: String): JsonObject {
        val (head, rest) = name.substringBefore('.') to name.substringAfter('.', "")
        if (rest.isEmpty()) return JsonObject(this - head)
        val inner = get(head) as? JsonObject ?: return this
        return JsonObject(this + (head to inner.without(rest)))
    }
}

/** One list of spellings for each alternative of a name of a configuration key. */
private fun spellings(names: String): List<List<String>> {
    val templates = names.split('|').map(KeyTemplate::parse)
    val count = templates.first().groups.singleOrNull()?.size ?: 1
    return (0 until count).map { i -> templates.map { t -> t.render(KeyTemplate.Binding(choices = t.groups.map { i })) } }
}
