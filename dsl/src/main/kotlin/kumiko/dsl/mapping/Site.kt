package kumiko.dsl.mapping

/** A place of a spec that a configuration key sets. */
internal sealed interface Site {
    /** The number of blocks: `layers`. */
    data object Layers : Site

    /** The rows in front of every sequence: `prefix`. */
    data object Prefix : Site

    /** A named dimension: `embed`. */
    data class Size(val dim: String) : Site

    /** A number in a dimension's `swigluHidden(embed, multiplier, multipleOf)`: `hidden.multiplier`, `hidden.multipleOf`. */
    data class Swiglu(val dim: String, val argument: Int) : Site

    /**
     * A field of every object of some kinds, `rms-norm.eps`, or the whole object, `head:linear/tied-to-tokens`. [part] limits it to one
     * part of the spec file.
     */
    data class Place(val part: String?, val kinds: List<String>, val field: String?) : Site

    companion object {
        private val SWIGLU_ARGUMENTS = listOf("embed", "multiplier", "multipleOf")

        fun parse(text: String, dims: Set<String>): Site {
            val part = text.substringBefore(':', "").ifEmpty { null }
            val kinds = text.substringAfter(':').substringBefore('.')
            val field = text.substringAfter('.', "").ifEmpty { null }
            return when {
                text == "layers" -> Layers
                text == "prefix" -> Prefix
                text in dims -> Size(text)
                kinds in dims && field in SWIGLU_ARGUMENTS -> Swiglu(kinds, SWIGLU_ARGUMENTS.indexOf(field))
                else -> Place(part, kinds.split('/'), field)
            }
        }
    }
}

/** Reads and writes one argument of `swigluHidden(embed, 1.3, 1024)`. */
internal object SwigluText {
    private val CALL = Regex("""swigluHidden\(([^,()]+), ([^,()]+), ([^,()]+)\)""")

    fun arguments(text: String): List<String>? = CALL.matchEntire(text)?.groupValues?.drop(1)

    fun with(text: String, argument: Int, value: String): String? =
        arguments(text)?.toMutableList()?.also { it[argument] = value }?.joinToString(", ", "swigluHidden(", ")")
}
