package kumiko.cli.report

import kumiko.dsl.compare.Account
import kumiko.dsl.compare.layers
import kumiko.dsl.mapping.LayerRanges
import kumiko.dsl.spec.Layer

/** Draws a model top down: embedding, its blocks with identical ones folded into one, head. All models are drawn to one scale. */
internal class BlockPicture(private val account: Account, private val reference: Facts, private val isReference: Boolean) {
    private val costs = account.layers().groupBy { it.root }
    private val spec = account.spec

    private val sections = sections()

    /** In CSS pixels. */
    val width: Double = sections.maxOf { it.drawing.width } + 2 * MARGIN + EDGE

    /** An SVG picture. */
    fun draw(): String {
        val height = sections.sumOf { it.height } + GAP * (sections.size + 1)
        return Svg.picture(width, height, "The wiring of ${spec.name}", "wiring") {
            var y = GAP
            val x = MARGIN + PORT
            line(x, 0.0, x, height, "class" to "wire")
            sections.forEach { section ->
                section(section, y)
                y += section.height + GAP
            }
        }
    }

    private class Section(val title: String, val times: Int, val drawing: Drawing) {
        val framed: Boolean get() = times > 0
        val height: Double get() = drawing.height + TITLE + if (framed) FRAME + 6 else 0.0
    }

    private fun sections(): List<Section> {
        val folded = (0..<spec.layers).groupBy { spec.block(it) }.map { (block, layers) ->
            val title = if (layers.size == spec.layers) "block" else "blocks ${LayerRanges.ranges(layers)}"
            Section(title, layers.size, drawing("blocks.${layers.first()}", block, layers.size))
        }
        return listOf(
            Section("embedding", 0, drawing("embedding", spec.embedding, 1)),
        ) + folded + Section("head", 0, drawing("head", spec.head, 1))
    }

    private fun drawing(root: String, layer: Layer, times: Int): Drawing {
        val sketch = Sketcher(costs.getValue(root)).sketch(layer)
        return Drafter(reference, isReference, times).draw(sketch)
    }

    private fun Svg.section(section: Section, y: Double) {
        val width = section.drawing.width + 2 * MARGIN + EDGE
        val top = y + if (section.framed) FRAME else 0.0
        if (section.framed) {
            listOf(6.0, 3.0, 0.0).forEach { shift ->
                val box = arrayOf("x" to 1 + shift, "y" to y + shift, "width" to width - 8, "height" to section.height - 6, "rx" to 10)
                tag("rect", *box, "class" to if (shift == 0.0) "frame" else "frame behind")
            }
            line(MARGIN + PORT, y, MARGIN + PORT, y + section.height - 6, "class" to "wire")
        }
        text(MARGIN + PORT + 12, top + 11, section.title, "class" to "section")
        if (section.framed) text(width - 18, top + 11, "× ${section.times}", "class" to "times", "text-anchor" to "end")
        tag("g", "transform" to "translate($MARGIN ${top + TITLE})") { raw(section.drawing.svg) }
    }

    private companion object {
        const val MARGIN = 10.0
        const val GAP = 16.0
        const val TITLE = 20.0
        const val FRAME = 8.0
        const val EDGE = 10.0
        const val PORT = Drafter.PORT
    }
}
