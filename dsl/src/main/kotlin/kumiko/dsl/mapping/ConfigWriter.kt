package kumiko.dsl.mapping

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonPrimitive
import kumiko.dsl.compile.compile
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.dims
import kumiko.dsl.spec.withDims

/** Writes the configuration file of a layout for a spec: the reading backwards. What it cannot say is refused, not left out. */
internal class ConfigWriter(private val map: CheckpointMap, private val config: ConfigMap, private val catalog: Catalog) {
    private val problems = ArrayList<String>()

    fun write(spec: ModelSpec): String {
        val draft = SpecDraft(spec)
        val values = LinkedHashMap<String, JsonElement>()
        for (key in config.keys) value(key, draft)?.let { values[key.names.first()] = it }
        for (key in config.keys) if (key.to != null && Site.parse(key.to, draft.dims) == Site.Prefix) values += prefix(key, draft)
        if (problems.isNotEmpty()) throw refusal(spec, problems)
        val text = PRETTY.encodeToString(JsonElement.serializer(), nested(values)) + "\n"
        requireSame(spec, text)
        return text
    }

    /** Whether a text describes the same computation. */
    fun describes(text: String, spec: ModelSpec): Boolean = try {
        described(text, spec).any { meaning(it) == meaning(spec) }
    } catch (_: MappingException) {
        false
    }

    /** The file is read again: it must describe the same computation. */
    private fun requireSame(spec: ModelSpec, text: String) {
        if (describes(text, spec)) return
        val (before, after) = listOf(spec, described(text, spec).first()).map(::meaning)
        val (written, other) = before.zip(after).firstOrNull { (a, b) -> a != b } ?: (before.last() to after.last())
        throw refusal(spec, listOf("it would describe\n    ${other.trim()}\n  in place of\n    ${written.trim()}"))
    }

    /** The models that a text can mean, with the tensors' sizes of [spec]: where bytes decide about a tie there are two. */
    private fun described(text: String, spec: ModelSpec): List<ModelSpec> {
        val result = ConfigReader(map, catalog.spec(map.model), StrictJson(config.file, text)).read(spec.name)
        val sizes = spec.dims().filter { it.name in result.open }.map { it.name to it.size }
        val read = if (sizes.isEmpty()) result.spec else result.spec.withDims(*sizes.toTypedArray())
        return listOf(true, false).map { config.decided(read, it) }
    }

    /** The operations of the model, one for each line, and how positions are counted. */
    private fun meaning(spec: ModelSpec): List<String> = listOf("${spec.positions}") + spec.compile().toString().lines()

    private fun refusal(spec: ModelSpec, why: List<String>) = MappingException(
        "${spec.name} cannot be described by the ${config.file} of map ${map.name}:\n" + why.joinToString("\n") {
            "  $it"
        },
    )

    private fun value(key: ConfigKey, draft: SpecDraft): JsonElement? {
        val value = if (key.constant != null) key.constant else read(key, draft)
        return value?.takeUnless { key.absent != null && Words.same(it, key.absent) && key.words != null || key.absent == it }
    }

    private fun read(key: ConfigKey, draft: SpecDraft): JsonElement? = when (val site = Site.parse(key.to!!, draft.dims)) {
        Site.Layers -> JsonPrimitive(draft.layers)
        Site.Prefix -> null
        is Site.Size -> JsonPrimitive(draft.size(site.dim))
        is Site.Swiglu -> swiglu(site, draft)
        is Site.Place -> place(key, site, draft)
    }

    private fun place(key: ConfigKey, site: Site.Place, draft: SpecDraft): JsonElement? {
        val found = draft.values(site).distinct()
        return when {
            found.size > 1 -> null.also {
                problems += "${key.label} has one value, but ${key.to} is ${found.joinToString(" and ") { StrictJson.brief(it) }}"
            }

            found.isEmpty() -> null

            key.words != null -> word(key, found.single())

            key.shareOf != null -> share(key, found.single(), draft)

            else -> found.single()
        }
    }

    /** The word for the prefix, and the key whose value its words speak of; nothing where there is no prefix. */
    private fun prefix(key: ConfigKey, draft: SpecDraft): Map<String, JsonElement> {
        val prefix = draft.prefix ?: return emptyMap()
        for ((word, meaning) in key.words.orEmpty()) {
            val bound = HashMap<String, String>()
            val other = key.with
            if (!FilledWords.fits(meaning, prefix, bound) || other == null || other !in bound) continue
            return mapOf(other to JsonPrimitive(draft.size(bound.getValue(other))), key.names.first() to boolean(word))
        }
        problems += "${key.label} has no word for the prefix ${StrictJson.brief(prefix)}"
        return emptyMap()
    }

    private fun boolean(word: String) = if (word == "true" || word == "false") JsonPrimitive(word.toBoolean()) else JsonPrimitive(word)

    private fun word(key: ConfigKey, value: JsonElement): JsonElement? {
        val word = key.words!!.entries.firstOrNull { Words.means(it.value, value) }?.key
        if (word == null) {
            problems += "${key.label} has no word for ${key.to} ${StrictJson.brief(
                value,
            )}; known are ${key.words.keys.joinToString(", ")}"
        }
        return word?.let(::boolean)
    }

    private fun share(key: ConfigKey, value: JsonElement, draft: SpecDraft): JsonElement {
        val part = draft.size(value.jsonPrimitive.content)
        return JsonPrimitive(part.toDouble() / draft.size(key.shareOf!!))
    }

    /** The two numbers of Meta's rule; a width that is written as a number gets numbers that give it. */
    private fun swiglu(site: Site.Swiglu, draft: SpecDraft): JsonElement {
        val written = SwigluText.arguments(draft.definition(site.dim))
        val (_, multiplier, multipleOf) = written ?: SwigluText.arguments(fitting(draft, site.dim))!!
        val text = if (site.argument == 1) multiplier else multipleOf
        return text.toIntOrNull()?.let { JsonPrimitive(it) } ?: JsonPrimitive(text.toDouble())
    }

    private fun fitting(draft: SpecDraft, dim: String): String {
        val size = draft.size(dim)
        val plain = 8L * draft.size("embed") / 3
        return if (plain <= size) "swigluHidden(embed, 1, $size)" else "swigluHidden(embed, ${(size + 0.5) / plain}, 1)"
    }

    /** Dotted names become objects. */
    private fun nested(values: Map<String, JsonElement>): JsonObject {
        val (inner, plain) = values.entries.partition { '.' in it.key }
        val groups = inner.groupBy({ it.key.substringBefore('.') }, { it.key.substringAfter('.') to it.value })
        return JsonObject(plain.associate { it.key to it.value } + groups.mapValues { nested(it.value.toMap()) })
    }

    private companion object {
        @OptIn(kotlinx.serialization.ExperimentalSerializationApi::class)
        val PRETTY = Json {
            prettyPrint = true
            prettyPrintIndent = "  "
        }
    }
}
