package kumiko.dsl.mapping

/**
 * The line of every member and element of a JSON text with comments, by path (`sections[0].rules[3].merge`, the root is the empty
 * path), and the members that are written twice, which a JSON reader would silently overwrite. The text must be well formed.
 */
internal class JsonLines(private val text: String) {
    private val lines = HashMap<String, Int>()
    private var at = 0
    private var line = 1

    val duplicates = ArrayList<String>()

    init {
        value("", 0)
    }

    /** The line of a path; of its nearest ancestor if the path itself is not in the text. */
    fun of(path: String): Int = lines[path] ?: of(path.substringBeforeLast(if (path.endsWith("]")) '[' else '.', ""))

    private fun value(path: String, depth: Int) {
        skipBlank()
        if (depth > MAX_DEPTH) throw MappingException("JSON is nested deeper than $MAX_DEPTH levels at line $line")
        lines.putIfAbsent(path, line)
        when (text[at]) {
            '{' -> list('}') { member(path, depth) }

            '[' -> {
                var index = 0
                list(']') { value("$path[${index++}]", depth + 1) }
            }

            '"' -> string()

            else -> while (at < text.length && text[at] !in ",]} \t\r\n/") at++
        }
    }

    private fun member(path: String, depth: Int) {
        skipBlank()
        val start = line
        val name = string()
        val child = if (path.isEmpty()) name else "$path.$name"
        if (child in lines) duplicates += child else lines[child] = start
        skipBlank()
        at++ // the colon
        value(child, depth + 1)
    }

    private inline fun list(close: Char, item: () -> Unit) {
        at++
        skipBlank()
        while (text[at] != close) {
            item()
            skipBlank()
            if (text[at] == ',') at++
            skipBlank()
        }
        at++
    }

    private fun string(): String {
        val start = ++at
        while (text[at] != '"') at += if (text[at] == '\\') 2 else 1
        return text.substring(start, at++)
    }

    private fun skipBlank() {
        while (at < text.length) {
            when {
                text[at] == '\n' -> line++.also { at++ }

                text[at].isWhitespace() -> at++

                text.startsWith("//", at) -> at = text.indexOf('\n', at).let { if (it < 0) text.length else it }

                text.startsWith("/*", at) -> {
                    val end = text.indexOf("*/", at) + 2
                    line += text.substring(at, end).count { it == '\n' }
                    at = end
                }

                else -> return
            }
        }
    }

    private companion object {
        const val MAX_DEPTH = 64
    }
}
