package kumiko.dsl.mapping

/**
 * Where the parameters of a model lie in the files of one published layout, and how its configuration speaks. A value, read from a
 * `*.keys.json`; strict, closed and reversible: each step has an inverse, and no rule may be left out silently.
 *
 * [model] names the built-in spec that the configuration is applied to.
 */
class CheckpointMap internal constructor(val name: String, internal val outline: MapOutline, contents: Lazy<Contents>) {
    internal class Contents(val model: String, val sections: List<MapSection>, val ignored: List<IgnoredKey>, val config: ConfigMap?)

    private val contents by contents

    val model: String get() = contents.model
    val sections: List<MapSection> get() = contents.sections
    val ignored: List<IgnoredKey> get() = contents.ignored
    internal val config: ConfigMap? get() = contents.config

    override fun toString() = name

    companion object {
        const val SCHEMA = "checkpoint-map/1"
        const val SUFFIX = ".keys.json"

        /**
         * Reads a map. [name] is the file's name without folder; errors carry it.
         *
         * @throws MappingException with every mistake of the text, each with its line
         */
        fun parse(name: String, text: String): CheckpointMap {
            val json = StrictJson(name, text)
            val contents = MapReader(json).read()
            return CheckpointMap(plain(name), MapOutline.of(json.root)!!, lazyOf(contents))
        }

        /** As [parse], but a text that looks like a map is read when something is asked of it, and its mistakes are told then. */
        fun whenAsked(name: String, text: String): CheckpointMap {
            val outline = MapOutline.of(StrictJson.parse(name, text)) ?: return parse(name, text)
            return CheckpointMap(plain(name), outline, lazy { MapReader(StrictJson(name, text)).read() })
        }

        private fun plain(name: String) = name.removeSuffix(SUFFIX)
    }
}

/** Rules for the keys of one file, of the files of all shards, or of one file per layer. */
class MapSection internal constructor(
    val file: KeyTemplate,
    /** What the keys of some releases begin with, and those of others not. */
    val stripPrefix: String?,
    /** The dictionary of the file in which the keys lie, if they are nested. */
    val inside: String?,
    val rules: List<MapRule>,
)

/** A key that is known, is no weight, and is carried over by an export; [reason] says what it is. */
class IgnoredKey internal constructor(val key: KeyTemplate, val reason: String)

/** One line of a map: the keys [from], through the steps in their fixed order (merge, transpose, split, rope), to the parameters [to]. */
class MapRule internal constructor(
    val line: Int,
    val from: KeyTemplate,
    val to: KeyTemplate,
    val merge: Merge?,
    val transpose: Boolean,
    val split: Split?,
    val rope: Rope?,
    /** The parameter whose bytes the key repeats, where the spec has no parameter [to]. */
    val tie: KeyTemplate?,
    /** Whether a tied key may be left out of the file. */
    val optional: Boolean,
)
