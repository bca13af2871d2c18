package kumiko.dsl.mapping

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kumiko.dsl.spec.ModelSpec

/** The `config` section of a map as it is written. */
@Serializable
internal class ConfigSection(
    val file: String,
    val keys: Map<String, JsonElement>,
    val fixed: Map<String, JsonElement> = emptyMap(),
    val tied: Map<String, JsonElement> = emptyMap(),
    val untied: Map<String, JsonElement> = emptyMap(),
    val ignore: Map<String, String> = emptyMap(),
)

@Serializable
internal class ConfigKeyFile(
    val to: String? = null,
    val words: Map<String, JsonElement>? = null,
    val with: String? = null,
    @SerialName("share-of") val shareOf: String? = null,
    val unknown: JsonElement? = null,
    @SerialName("is") val constant: JsonElement? = null,
    val absent: JsonElement? = null,
)

/**
 * One key of a publisher's configuration file. [names] are its spellings over time, the first is written; a dot leads into an object.
 *
 * - copied: the number at [to], or, with [shareOf], the share of a dimension;
 * - translated: [words] of the file and what each means at [to];
 * - [constant]: must be so.
 *
 * With [with], it counts only where the file has that other key too; the words may then write `{that key}`, or any other, for its value.
 *
 * [absent] is what a missing key means; without it a missing key is an error. With [unknown] as its value the size is taken from the
 * tensors.
 */
internal class ConfigKey(
    val names: List<String>,
    val to: String?,
    val words: Map<String, JsonElement>?,
    val with: String?,
    val shareOf: String?,
    val unknown: JsonElement?,
    val constant: JsonElement?,
    val absent: JsonElement?,
) {
    val label: String get() = "\"${names.first()}\""

    /** Words that replace a whole object come before the numbers inside it. */
    val structural: Boolean get() = words != null && (words.values.any { it is JsonObject } || to.orEmpty().endsWith(".kind"))
}

/** How the configuration file of a layout speaks; applied to a spec and read back from one. */
internal class ConfigMap(
    val file: String,
    val keys: List<ConfigKey>,
    /** What the layout's own code fixes: site and value. */
    val fixed: Map<String, JsonElement>,
    /** What else the spec says where the bytes of the keys with a `tie` repeat that parameter. */
    val tied: Map<String, JsonElement>,
    /** What else the spec says where they do not. */
    val untied: Map<String, JsonElement>,
    val ignored: List<IgnoredKey>,
) {
    /** Whether the bytes of the checkpoint decide between two models. */
    val tieIsOpen: Boolean get() = tied.isNotEmpty() || untied.isNotEmpty()

    /** [spec] for a checkpoint whose keys with a `tie` repeat that parameter, or do not. */
    fun decided(spec: ModelSpec, repeats: Boolean): ModelSpec {
        val draft = SpecDraft(spec)
        (if (repeats) tied else untied).forEach { (site, value) ->
            (Site.parse(site, draft.dims) as? Site.Place)?.let { place -> draft.edit(place) { value } }
        }
        return draft.toSpec(spec.name)
    }

    companion object {
        private const val PATH = "config"

        /** Mistakes are reported to [json]. */
        fun parse(json: StrictJson): ConfigMap? {
            val written = (json.root as JsonObject)[PATH] ?: return null
            val section = json.decodeAt(ConfigSection.serializer(), written, PATH) ?: return null
            val keys = section.keys.flatMap { (names, value) -> keys(json, names, value) }
            val ignored = section.ignore.mapNotNull { (key, reason) -> ignored(json, key, reason) }
            listOf("fixed" to section.fixed, "tied" to section.tied, "untied" to section.untied).forEach { (name, sites) ->
                sites.forEach { (site, value) -> kindMistake(site, value)?.let { json.report("$PATH.$name.$site", it) } }
            }
            return ConfigMap(section.file, keys, section.fixed, section.tied, section.untied, ignored)
        }

        private fun ignored(json: StrictJson, key: String, reason: String): IgnoredKey? {
            val path = "$PATH.ignore.$key"
            if (reason.isBlank()) json.report(path, "say why this key does not matter")
            return template(json, key, path)?.let { IgnoredKey(it, reason) }
        }

        private fun keys(json: StrictJson, names: String, value: JsonElement): List<ConfigKey> {
            val path = "$PATH.keys.$names"
            val key = when (value) {
                is JsonPrimitive -> ConfigKeyFile(to = value.content)
                else -> json.decodeAt(ConfigKeyFile.serializer(), value, path) ?: return emptyList()
            }
            val mistakes = listOfNotNull(mistake(key)) + key.words.orEmpty().values.mapNotNull { kindMistake(key.to.orEmpty(), it) }
            mistakes.forEach { json.report(path, it) }
            if (mistakes.isNotEmpty()) return emptyList()
            val spellings = names.split('|').map { template(json, it, path) ?: return emptyList() }
            val to = key.to?.let { template(json, it, path) ?: return emptyList() }
            val size = spellings.first().groups.singleOrNull()?.size ?: 1
            return (0 until size).map { i ->
                fun KeyTemplate.at() = render(KeyTemplate.Binding(choices = groups.map { i }))
                ConfigKey(spellings.map { it.at() }, to?.at(), key.words, key.with, key.shareOf, key.unknown, key.constant, key.absent)
            }
        }

        private fun mistake(key: ConfigKeyFile): String? = when {
            (key.to == null) == (key.constant == null) -> "say either \"to\", the place it sets, or \"is\", the value it must have"

            key.words != null && key.words.isEmpty() -> "\"words\" needs at least one word"

            key.words != null && key.absent != null && Words.word(key.absent) !in key.words ->
                "\"absent\" must be one of the words ${key.words.keys.joinToString(", ")}"

            else -> null
        }

        /** What is put at a place must be found there again, so a place names every kind that it can have. */
        private fun kindMistake(site: String, value: JsonElement): String? {
            val kinds = site.substringAfter(':').substringBefore('.').split('/')
            val kind = when {
                value is JsonObject && '.' !in site && site != "prefix" -> (value["kind"] as? JsonPrimitive)?.content
                value is JsonPrimitive && site.endsWith(".kind") -> value.content
                else -> return null
            }
            return "\"$site\" is a place of ${kinds.joinToString(" or ")}, but a $kind is put there".takeIf { kind !in kinds }
        }

        private fun template(json: StrictJson, text: String, path: String): KeyTemplate? = try {
            KeyTemplate.parse(text)
        } catch (e: MappingException) {
            json.report(path, e.message.orEmpty())
            null
        }
    }
}

/** How values of a configuration file are compared with the words of a map. */
internal object Words {
    /** `"gelu"`, `true` and `null` as a map writes them in front of a colon. */
    fun word(value: JsonElement): String = if (value is JsonPrimitive) value.content else value.toString()

    /** Equal as JSON, numbers by their value: 1e-05 is 0.00001. */
    fun same(a: JsonElement, b: JsonElement): Boolean {
        if (a == b) return true
        val (x, y) = listOf(a, b).map { (it as? JsonPrimitive)?.takeIf { p -> !p.isString }?.content?.toDoubleOrNull() }
        return x != null && x == y
    }

    /** Whether [value] of a spec is what a word means; objects are told apart by their kind, because keys may set their numbers. */
    fun means(meaning: JsonElement, value: JsonElement): Boolean =
        if (meaning is JsonObject && value is JsonObject) meaning["kind"] == value["kind"] else same(meaning, value)
}
