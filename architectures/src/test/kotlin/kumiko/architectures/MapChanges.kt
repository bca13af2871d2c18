package kumiko.architectures

import kumiko.dsl.mapping.Merge
import kumiko.dsl.mapping.Split

/** A map with one thing changed. */
internal class MapChange(val what: String, val text: String)

/** All small changes of the text of a map. */
internal object MapChanges {
    /** One line left out, for every line that says something. */
    fun lines(text: String): List<MapChange> {
        val lines = text.lines()
        return lines.indices.filter { lines[it].isNotBlank() && !lines[it].trim().startsWith("//") }
            .map { MapChange(lines[it].trim(), (lines.take(it) + lines.drop(it + 1)).joinToString("\n")) }
    }

    /** One word made longer, one number larger or one truth false, wherever it stands for more than a reason. */
    fun words(text: String): List<MapChange> {
        val spoken = said(text)
        return TOKEN.findAll(spoken).map { it.range }.toList().map { range ->
            val old = text.substring(range)
            MapChange("$old to ${changed(old)} at ${place(text, range)}", text.replaceRange(range, changed(old)))
        }
    }

    /** A step left out, or another legal one in its place. */
    fun steps(text: String): List<MapChange> = STEP.findAll(text).flatMap { found ->
        val (name, value) = found.destructured
        val others = LEGAL[name].orEmpty().filter { "\"$it\"" != value }.map { ", \"$name\": \"$it\"" }
        (listOf("") + others).map { MapChange("${found.value} to $it at ${place(text, found.range)}", text.replaceRange(found.range, it)) }
    }.toList()

    /** What two keys fill exchanged, for every two rules, and for the first two alternatives of one. */
    fun exchanges(text: String): List<MapChange> {
        val rules = TARGET.findAll(text.substringBefore("\"config\"")).map { it.groups[1]!! }.toList()
        val pairs = rules.flatMapIndexed { i, first ->
            rules.drop(i + 1).map { first to it }
        }.filter { (a, b) -> a.value != b.value }.map { (a, b) ->
            MapChange("${a.value} and ${b.value}", text.replaceRange(b.range, a.value).replaceRange(a.range, b.value))
        }
        return pairs + rules.mapNotNull { rule -> turned(rule.value)?.let { MapChange("$it", text.replaceRange(rule.range, it)) } }
    }

    private fun turned(name: String): String? = ALTERNATIVES.replaceFirst(name, "{\$2,\$1").takeIf { it != name }

    private fun place(text: String, range: IntRange) = "line ${text.take(range.first).count { it == '\n' } + 1}"

    private fun changed(old: String): String = when {
        old.startsWith('"') -> old.dropLast(1) + "x\""
        old == "true" -> "false"
        old == "false" -> "true"
        else -> "${old.toDouble() + 1}".removeSuffix(".0")
    }

    /** The text with comments, and the reasons of what is ignored, blanked out. */
    private fun said(text: String): String {
        val open = COMMENT.replace(text) { it.groupValues[1] + " ".repeat(it.value.length - it.groupValues[1].length) }
        return IGNORED.replace(open) { block -> REASON.replace(block.value) { " ".repeat(it.value.length) } }
    }

    private val LEGAL = mapOf("merge" to Merge.entries.map { it.word }, "split" to Split.entries.map { it.word })
    private val STEP = Regex(""", "(merge|transpose|split|rope|tie|optional)": ("[^"]*"|true)""")
    private val TARGET = Regex(""""to": "([^"]*)"""")
    private val ALTERNATIVES = Regex("""\{(\w+),(\w+)""")
    private val TOKEN = Regex(""""[^"\n]*"|\b(?:true|false)\b|-?\b\d[\d.e-]*\b""")
    private val COMMENT = Regex("""^((?:[^"/\n]|"[^"\n]*"|/(?!/))*)//[^\n]*""", RegexOption.MULTILINE)
    private val IGNORED = Regex(""""ignore": \{[^{}]*(?:\{[^{}]*}[^{}]*)*}""")
    private val REASON = Regex("""(?<=: )"[^"]*"""")
}
