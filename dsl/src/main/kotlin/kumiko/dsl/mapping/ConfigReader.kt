package kumiko.dsl.mapping

import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.doubleOrNull
import kotlinx.serialization.json.intOrNull
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecException
import kumiko.dsl.spec.knownNames

/** Reads a publisher's configuration: every key is consumed or named as ignorable, all problems are told at once. */
internal class ConfigReader(private val map: CheckpointMap, base: ModelSpec, private val json: StrictJson) {
    private val file = json.file
    private val config = map.config ?: throw MappingException("map ${map.name} says nothing about configuration files")
    private val draft = SpecDraft(base)
    private val given: Map<String, JsonElement>
    private val problems = ArrayList<String>()
    private val sizes = LinkedHashMap<String, Int>()
    private val open = LinkedHashSet<String>()

    init {
        val root = json.root as? JsonObject ?: throw MappingException("$file: a configuration is a JSON object")
        given = LinkedHashMap<String, JsonElement>().also { flatten(root, "", it) }
    }

    /** @throws MappingException naming every key that is unknown, missing or cannot be understood */
    fun read(name: String): ConfigResult = try {
        applyAll()
        throwIfAny()
        ConfigResult(draft.toSpec(name), open)
    } catch (e: SpecException) {
        throw MappingException("$file describes no model that fits:\n${e.message}", e)
    }

    private fun applyAll() {
        config.fixed.forEach { (site, value) -> place(site)?.let { fix(site, it, value) } }
        unknownKeys()
        val (shares, others) = config.keys.map { it to value(it) }.partition { (key, _) -> key.shareOf != null }
        others.sortedBy { (key, _) -> !key.structural }.forEach { (key, value) -> apply(key, value) }
        defineSizes()
        if (problems.isEmpty()) shares.forEach { (key, value) -> apply(key, value) }
    }

    private fun fix(site: String, place: Site.Place, value: JsonElement) {
        if (draft.values(place).isEmpty()) problems += "map ${map.name} fixes $site, which the model does not have"
        draft.edit(place) { value }
    }

    private fun throwIfAny() {
        if (problems.isEmpty()) return
        val count = if (problems.size == 1) "1 problem" else "${problems.size} problems"
        throw MappingException("$file read by map ${map.name}: $count\n" + problems.joinToString("\n") { "  $it" })
    }

    /** Objects become dotted keys; null means that a key is absent. */
    private fun flatten(value: JsonElement, path: String, into: MutableMap<String, JsonElement>) {
        if (value is JsonObject && path !in config.keys.flatMap { it.names }) {
            value.forEach { (name, v) -> flatten(v, StrictJson.child(path, name), into) }
        } else {
            into[path] = value
        }
    }

    private fun unknownKeys() {
        val known = config.keys.flatMap { it.names + listOfNotNull(it.with) }
        for ((key, value) in given) {
            val nullObject = value is JsonNull && known.any { it.startsWith("$key.") }
            if (key in known || nullObject || ignored(key)) continue
            problems += "unknown key \"$key\" = ${StrictJson.brief(value)} (line ${json.line(key)})${knownNames(key, known).takeIf {
                "did you" in it
            }.orEmpty()}" +
                "; it might change results, so map ${map.name} must consume it or name it as ignorable"
        }
    }

    private fun ignored(key: String): Boolean {
        val prefixes = key.indices.filter { key[it] == '.' }.map { key.take(it) } + key
        return config.ignored.any { i -> prefixes.any { i.key.match(it) != null } }
    }

    /** What the file says; null where the key is absent in all its spellings. */
    private fun value(key: ConfigKey): JsonElement? {
        val found = key.names.mapNotNull { name -> given[name]?.takeIf { it !is JsonNull }?.let { name to it } }
        found.drop(1).filter { !Words.same(it.second, found.first().second) }.forEach { (name, value) ->
            problems += "\"${found.first().first}\" is ${StrictJson.brief(
                found.first().second,
            )}, but \"$name\", which means the same, is ${StrictJson.brief(value)}"
        }
        return found.firstOrNull()?.second
    }

    private fun apply(key: ConfigKey, value: JsonElement?) {
        val effective = value ?: key.absent
        when {
            key.with != null && (given[key.with] ?: JsonNull) is JsonNull -> Unit
            key.constant != null -> constant(key, effective)
            key.words != null -> words(key, effective, value != null)
            key.unknown != null && effective != null && Words.same(key.unknown, effective) -> open += key.to!!
            else -> copy(key, value)
        }
    }

    private fun constant(key: ConfigKey, value: JsonElement?) {
        if (value == null) {
            missing(key, "it must be ${key.constant}")
        } else if (!Words.same(key.constant!!, value)) {
            problems += "${key.label} is ${StrictJson.brief(value)}, but this layout is known only with ${key.constant}"
        }
    }

    private fun words(key: ConfigKey, value: JsonElement?, given: Boolean) {
        val site = Site.parse(key.to!!, draft.dims)
        val words = key.words!!
        if (value == null) return missing(key, "it sets ${key.to}")
        val meaning = words[Words.word(value)]
        if (meaning == null) {
            problems += "${key.label} is ${StrictJson.brief(value)}; known are ${words.keys.joinToString(", ")}"
        } else if (site is Site.Prefix) {
            draft.prefix = FilledWords.fill(meaning) { (this.given[it] as? JsonPrimitive)?.content }
        } else {
            place(key.to)?.let { place ->
                if (given && draft.values(place).isEmpty()) problems += nowhere(key, value)
                draft.edit(place) { old -> if (Words.means(meaning, old) && meaning is JsonObject && meaning.size == 1) old else meaning }
            }
        }
    }

    private fun place(site: String): Site.Place? = Site.parse(site, draft.dims) as? Site.Place ?: run {
        problems += "map ${map.name} translates words for $site, which is a size"
        null
    }

    private fun copy(key: ConfigKey, value: JsonElement?) {
        when (val site = Site.parse(key.to!!, draft.dims)) {
            Site.Layers -> whole(key, value)?.let { draft.layers = it }
            Site.Prefix -> problems += "map ${map.name} needs words for ${key.to}"
            is Site.Size -> size(key, site, value)
            is Site.Swiglu -> swiglu(key, site, value ?: key.absent)
            is Site.Place -> if (key.shareOf == null) number(key, site, value) else share(key, site, value)
        }
    }

    private fun size(key: ConfigKey, site: Site.Size, value: JsonElement?) {
        when {
            value != null -> whole(key, value)?.let { sizes[site.dim] = it }
            key.absent != null -> draft.define(site.dim, Words.word(key.absent))
            else -> missing(key, "it sets ${key.to}")
        }
    }

    private fun swiglu(key: ConfigKey, site: Site.Swiglu, value: JsonElement?) {
        if (value == null) return missing(key, "it sets ${key.to}")
        val text = (value as? JsonPrimitive)?.takeIf { !it.isString }?.doubleOrNull?.takeIf { it > 0 }?.let { value.content }
        if (text == null) {
            problems += "${key.label} must be a number above 0, not ${StrictJson.brief(value)}"
        } else {
            draft.define(site.dim, SwigluText.with(draft.definition(site.dim), site.argument, text) ?: draft.definition(site.dim))
        }
    }

    private fun number(key: ConfigKey, site: Site.Place, value: JsonElement?) {
        val places = draft.values(site)
        val effective = value ?: key.absent
        when {
            places.isEmpty() && value != null -> problems += nowhere(key, value)

            places.isEmpty() -> Unit

            effective == null -> missing(key, "it sets ${key.to}")

            (effective as? JsonPrimitive)?.takeIf { !it.isString }?.doubleOrNull == null ->
                problems += "${key.label} must be a number, not ${StrictJson.brief(effective)}"

            else -> draft.edit(site) { effective }
        }
    }

    private fun nowhere(key: ConfigKey, value: JsonElement) =
        "${key.label} is ${StrictJson.brief(value)}, but it sets ${key.to}, which the model has not with the other keys"

    private fun share(key: ConfigKey, site: Site.Place, value: JsonElement?) {
        val share = (value ?: key.absent ?: return missing(key, "it sets ${key.to}")).let { (it as? JsonPrimitive)?.doubleOrNull }
        if (share == null || !(share > 0 && share <= 1)) {
            problems += "${key.label} must be a share above 0 and at most 1, not ${StrictJson.brief(value!!)}"
            return
        }
        if (value != null && draft.values(site).isEmpty()) problems += nowhere(key, value)
        val whole = draft.size(key.shareOf!!)
        val part = (whole * share).toInt()
        draft.edit(site) { JsonPrimitive(if (part > 0 && whole % part == 0) quotient(key.shareOf, whole / part) else "$part") }
    }

    private fun quotient(dim: String, by: Int) = if (by == 1) dim else "$dim / $by"

    private fun whole(key: ConfigKey, value: JsonElement?): Int? {
        val number = (value as? JsonPrimitive)?.takeIf { !it.isString }?.intOrNull
        if (value == null) {
            missing(key, "it sets ${key.to}")
        } else if (number == null || number < 1) {
            problems += "${key.label} must be a whole number above 0, not ${StrictJson.brief(value)}"
        }
        return number?.takeIf { it > 0 }
    }

    private fun missing(key: ConfigKey, why: String) {
        val names = key.names.joinToString(" or ") { "\"$it\"" }
        problems += "$names is missing: $why, and the layout says no value for it"
    }

    /** A size that the family computes keeps its expression where that gives the number of the file. */
    private fun defineSizes() {
        if (problems.isNotEmpty()) return
        sizes.filter { (dim, _) -> draft.definition(dim).toIntOrNull() != null }.forEach { (dim, size) -> draft.define(dim, "$size") }
        sizes.filter { (dim, _) -> draft.definition(dim).toIntOrNull() == null }.forEach { (dim, size) ->
            val computed = try {
                draft.size(draft.definition(dim))
            } catch (_: SpecException) {
                null
            }
            if (computed != size) draft.define(dim, "$size")
        }
    }
}
