package kumiko.cli.report

import kotlin.math.floor
import kotlin.math.ln
import kotlin.math.log10
import kotlin.math.pow

/** A value at a place, and what it is called exactly. */
internal data class Point(val x: Double, val y: Double, val tip: String)

/** The points of one model; [model] counts from 0 and decides colour and dashes. */
internal data class Line(val model: Int, val name: String, val points: List<Point>)

/** An axis: [ticks] with their words, in the order of their size. [log] axes have no zero. */
internal class Axis(val title: String, val from: Double, val to: Double, val ticks: List<Pair<Double, String>>, val log: Boolean) {
    /** 0 to 1. */
    fun at(value: Double): Double = if (log) ln(value / from) / ln(to / from) else (value - from) / (to - from)

    companion object {
        /** Powers of ten around [values], at most six named. */
        fun decades(title: String, values: List<Double>, words: (Double) -> String): Axis {
            val low = floor(log10(values.min()) + 1e-9)
            val high = maxOf(low + 1, kotlin.math.ceil(log10(values.max()) - 1e-9))
            val every = maxOf(1, kotlin.math.ceil((high - low) / 5).toInt())
            val ticks = (low.toInt()..high.toInt() step every).map { 10.0.pow(it).let { value -> value to words(value) } }
            return Axis(title, 10.0.pow(low), 10.0.pow(high), ticks, log = true)
        }
    }
}

/** Lines over two axes, each named where it ends, inside the picture. Points tell their exact value. */
internal fun lineChart(label: String, x: Axis, y: Axis, lines: List<Line>): String = Svg.picture(WIDTH, HEIGHT, label, "chart") {
    val right = (WIDTH - GAP - LETTER * lines.maxOf { it.name.length }).coerceIn(LEFT + LEAST, RIGHT)
    fun px(value: Double) = LEFT + x.at(value) * (right - LEFT)
    fun py(value: Double) = BOTTOM - y.at(value) * (BOTTOM - TOP)
    text(0.0, 12.0, y.title, "class" to "axis")
    y.ticks.forEach { (value, words) ->
        line(LEFT, py(value), right, py(value), "class" to "grid")
        text(LEFT - 6, py(value) + 4, words, "class" to "tick", "text-anchor" to "end")
    }
    x.ticks.forEach { (value, words) -> text(px(value), BOTTOM + 16, words, "class" to "tick", "text-anchor" to "middle") }
    text(right, BOTTOM + 34, x.title, "class" to "axis", "text-anchor" to "end")
    val labels = spread(lines.map { py(it.points.last().y) })
    lines.forEachIndexed { index, line ->
        val path = line.points.withIndex().joinToString("") { (at, point) ->
            "%s%.1f %.1f".format(java.util.Locale.ROOT, if (at == 0) "M" else "L", px(point.x), py(point.y))
        }
        tag("path", "d" to path, "class" to "line m${line.model}")
        line.points.forEach {
            tag(
                "circle",
                "cx" to px(it.x),
                "cy" to py(it.y),
                "r" to 3,
                "class" to "point m${line.model}",
                "tabindex" to -1,
                "data-tip" to it.tip,
            )
        }
        val end = px(line.points.last().x)
        text(end + GAP, labels[index] + 4, line.name, "class" to "name m${line.model}")
    }
}

/** The same heights, moved apart until no two labels overlap. */
private fun spread(heights: List<Double>): List<Double> {
    val order = heights.indices.sortedBy { heights[it] }
    val placed = heights.toMutableList()
    order.zipWithNext { upper, lower -> placed[lower] = maxOf(placed[lower], placed[upper] + NAME) }
    val over = (order.lastOrNull()?.let { placed[it] } ?: 0.0) - BOTTOM
    if (over > 0) {
        placed[order.last()] -= over
        order.reversed().zipWithNext { lower, upper -> placed[upper] = minOf(placed[upper], placed[lower] - NAME) }
    }
    return placed
}

private const val WIDTH = 420.0
private const val HEIGHT = 270.0
private const val LEFT = 54.0

/** Where lines end, further left where names are long. */
private const val RIGHT = 318.0

/** The widest that a letter of a name is on average. */
private const val LETTER = 7.5
private const val GAP = 7.0

/** What is left for the lines, however long a name is. */
private const val LEAST = 120.0
private const val TOP = 26.0
private const val BOTTOM = 226.0
private const val NAME = 14.0
