package kumiko.dsl.mapping

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive

/** What a map says at a glance: enough to see that most maps do not fit a directory, for a fraction of what reading them all costs. */
internal class MapOutline(
    /** One for each section, in order. */
    val files: List<KeyTemplate>,
    /** The publisher's configuration file. */
    val config: String?,
    /** Keys of that file, not inside an object, that must have one value. */
    private val constants: Map<String, JsonElement>,
) {
    /** Whether [given], the members of the configuration file, have another value than this map takes; then it cannot be read by it. */
    fun isContradictedBy(given: JsonObject): Boolean = constants.any { (name, constant) ->
        given[name]?.let { it !is JsonNull && !Words.same(constant, it) } ?: false
    }

    companion object {
        /** The outline of a map; null where it is not written as a map, which reading it reports. */
        fun of(root: JsonElement): MapOutline? {
            val map = root as? JsonObject ?: return null
            val sections = map["sections"] as? JsonArray ?: return null
            val files = sections.map { file(it) ?: return null }
            val config = map["config"] as? JsonObject
            return MapOutline(files, text(config?.get("file")), constants(config?.get("keys")))
        }

        private fun file(section: JsonElement): KeyTemplate? = try {
            text((section as? JsonObject)?.get("file"))?.let(KeyTemplate::parse)
        } catch (_: MappingException) {
            null
        }

        private fun constants(keys: JsonElement?): Map<String, JsonElement> {
            val found = HashMap<String, JsonElement>()
            (keys as? JsonObject)?.forEach { (names, key) ->
                val constant = (key as? JsonObject)?.takeIf { "with" !in it && '{' !in names }?.get("is")
                if (constant != null) names.split('|').filter { '.' !in it }.forEach { found[it] = constant }
            }
            return found
        }

        private fun text(value: JsonElement?): String? = (value as? JsonPrimitive)?.takeIf { it.isString }?.content
    }
}
