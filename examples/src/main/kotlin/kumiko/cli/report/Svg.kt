package kumiko.cli.report

import java.util.Locale

/** SVG as text: elements with escaped attributes, lengths rounded to a tenth. */
internal class Svg {
    private val out = StringBuilder()

    fun tag(name: String, vararg attributes: Pair<String, Any?>, inside: (Svg.() -> Unit)? = null) {
        out.append('<').append(name)
        attributes.forEach { (key, value) ->
            if (value != null) out.append(' ').append(key).append("=\"").append(escape(shown(value))).append('"')
        }
        if (inside == null) {
            out.append("/>")
        } else {
            out.append('>')
            inside()
            out.append("</").append(name).append('>')
        }
    }

    fun text(x: Double, y: Double, words: String, vararg attributes: Pair<String, Any?>) =
        tag("text", "x" to x, "y" to y, *attributes) { out.append(escape(words)) }

    fun line(x1: Double, y1: Double, x2: Double, y2: Double, vararg attributes: Pair<String, Any?>) =
        tag("line", "x1" to x1, "y1" to y1, "x2" to x2, "y2" to y2, *attributes)

    fun raw(svg: String) {
        out.append(svg)
    }

    override fun toString(): String = out.toString()

    companion object {
        /** A whole picture of [width] x [height], drawn by [inside]. */
        fun picture(width: Double, height: Double, label: String, kind: String, inside: Svg.() -> Unit): String = Svg().apply {
            val size = "0 0 ${shown(width)} ${shown(height)}"
            val style = "--width:${shown(width)}px"
            tag("svg", "viewBox" to size, "class" to kind, "style" to style, "role" to "img", "aria-label" to label, inside = inside)
        }.toString()

        private fun shown(value: Any): String = if (value is Double) "%.1f".format(Locale.ROOT, value).removeSuffix(".0") else "$value"

        private fun escape(text: String) = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;")
    }
}
