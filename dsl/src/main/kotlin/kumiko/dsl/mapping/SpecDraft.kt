package kumiko.dsl.mapping

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.dsl.spec.DimTable
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecJson

/** The canonical JSON of a spec while a configuration is applied to it. Nothing of it survives the reading. */
internal class SpecDraft(base: ModelSpec) {
    private var body: JsonObject
    private val definitions = LinkedHashMap<String, String>()

    init {
        val table = DimTable()
        body = SpecJson.body(base, table)
        table.named.forEach { definitions[it.name] = it.definition.text }
    }

    val dims: Set<String> get() = definitions.keys

    fun definition(dim: String): String = definitions.getValue(dim)

    fun define(dim: String, expression: String) {
        definitions[dim] = expression
    }

    /** The size of an expression over the dims as they are defined now. */
    fun size(expression: String): Int = table().parse(expression).size

    var layers: Int
        get() = rows().sumOf { it.getValue("count").jsonPrimitive.int }
        set(value) {
            val row = rows().singleOrNull() ?: throw MappingException(
                "the model has several rows of blocks, a number of layers does not fit it",
            )
            body = JsonObject(body + ("blocks" to JsonArray(listOf(JsonObject(row + ("count" to JsonPrimitive(value)))))))
        }

    /** The rows in front of every sequence. */
    var prefix: JsonElement?
        get() = body["prefix"]
        set(value) {
            body = JsonObject(if (value == null) body - "prefix" else body + ("prefix" to value))
        }

    private fun rows() = body.getValue("blocks").jsonArray.map { it.jsonObject }

    private fun table() = DimTable().also { table -> definitions.forEach { (name, text) -> table.define(name, text) } }

    /** What stands at a place of the spec, once for every layer that has it. */
    fun values(place: Site.Place): List<JsonElement> = ArrayList<JsonElement>().also { found ->
        edit(place) { value ->
            found += value
            value
        }
    }

    /** Replaces what stands at every such place. */
    fun edit(place: Site.Place, change: (JsonElement) -> JsonElement) {
        body = JsonObject(
            body.mapValues { (part, value) -> if (place.part == null || place.part == part) walk(value, place, change) else value },
        )
    }

    private fun walk(value: JsonElement, place: Site.Place, change: (JsonElement) -> JsonElement): JsonElement = when (value) {
        is JsonArray -> JsonArray(value.map { walk(it, place, change) })
        is JsonObject -> here(JsonObject(value.mapValues { walk(it.value, place, change) }), place, change)
        else -> value
    }

    private fun here(value: JsonObject, place: Site.Place, change: (JsonElement) -> JsonElement): JsonElement {
        val kind = (value["kind"] as? JsonPrimitive)?.content
        val field = place.field
        return when {
            kind !in place.kinds -> value
            field == null -> change(value)
            field in value -> JsonObject(value + (field to change(value.getValue(field))))
            else -> value
        }
    }

    /**
     * @throws kumiko.dsl.spec.SpecException if the sizes do not fit one another
     * @throws MappingException if a map put something there that no spec has
     */
    fun toSpec(name: String): ModelSpec = try {
        SpecJson.decode(JsonObject(body + ("name" to JsonPrimitive(name))), definitions)
    } catch (e: SerializationException) {
        val reason = e.message.orEmpty().lineSequence().first { it.isNotBlank() }
        throw MappingException("the map sets something that no spec has: $reason", e)
    }
}
