package kumiko.cli.report

import kumiko.cli.grouped
import kumiko.dsl.compare.Effect
import kumiko.dsl.compare.LayerCost

/** A piece of a picture: the stream flows in at the top and out at the bottom, [Drafter.PORT] from its left. */
internal class Drawing(val width: Double, val height: Double, val svg: String)

/** Gives a sketch its place. Boxes of facts that differ from [reference] are marked; [times] is how often the drawn block is repeated. */
internal class Drafter(private val reference: Facts, private val isReference: Boolean, private val times: Int) {
    fun draw(sketch: Sketch): Drawing = when (sketch) {
        is Sketch.Box -> box(sketch)
        is Sketch.Column -> column(sketch.parts.map { draw(it) })
        is Sketch.Residual -> residual(sketch.branches.map { draw(it) }, sketch.note)
        is Sketch.Fan -> fan(sketch.branches.map { draw(it) }, sketch.join)
    }

    private fun box(box: Sketch.Box): Drawing {
        val facts = facts(box.cost.layer)
        val height = HEAD + facts.size * LINE + 7
        val svg = Svg().apply {
            tag("g", "class" to "box ${box.cost.part}", "tabindex" to 0, "data-tip" to tip(box)) {
                tag("rect", "width" to WIDTH, "height" to height, "rx" to 6)
                fact(heading(box.cost), 12.0, 16.0, "title")
                facts.forEachIndexed { index, fact -> fact(fact, 12.0, HEAD + (index + 1) * LINE - 4) }
            }
        }
        return Drawing(WIDTH, height, svg.toString())
    }

    private fun Svg.fact(fact: Fact, x: Double, y: Double, style: String = "fact") {
        val differs = !isReference && reference.differs(fact)
        val kind = listOfNotNull(style, "size".takeIf { fact.size }, "differs".takeIf { differs }).joinToString(" ")
        text(x, y, fact.text, "class" to kind, "data-fact" to fact.key, "data-value" to fact.text)
    }

    private fun column(parts: List<Drawing>): Drawing {
        val svg = Svg()
        var y = 0.0
        parts.forEachIndexed { index, part ->
            if (index > 0) svg.line(PORT, y - STEP, PORT, y, "class" to "wire")
            svg.tag("g", "transform" to "translate(0 $y)") { raw(part.svg) }
            y += part.height + STEP
        }
        return Drawing(parts.maxOf { it.width }, y - STEP, svg.toString())
    }

    private fun residual(branches: List<Drawing>, note: Fact): Drawing {
        val body = branches.maxOf { it.height }
        val (top, bottom) = BEND to BEND + body
        val join = bottom + BEND
        val svg = Svg()
        svg.line(PORT, 0.0, PORT, join + RADIUS, "class" to "wire")
        var x = PORT + INDENT
        branches.forEach { branch ->
            val port = x + PORT
            svg.tag("path", "class" to "wire", "d" to "M$PORT 4H${port - 8}q8 0 8 8V$top")
            svg.tag("path", "class" to "wire", "d" to "M$port ${top + branch.height}V${join - 8}q0 8 -8 8H${PORT + RADIUS}")
            svg.tag("g", "transform" to "translate($x $top)") { raw(branch.svg) }
            x += branch.width + BESIDE
        }
        svg.tag("circle", "cx" to PORT, "cy" to join, "r" to RADIUS, "class" to "join")
        svg.tag("path", "class" to "plus", "d" to "M${PORT - 4} ${join}h8M$PORT ${join - 4}v8")
        svg.fact(note, PORT + INDENT + PORT + 10, join + 15)
        return Drawing(x - BESIDE, join + RADIUS + 10, svg.toString())
    }

    private fun fan(branches: List<Drawing>, join: String): Drawing {
        if (branches.size == 1) return branches.single()
        val height = branches.maxOf { it.height }
        val svg = Svg()
        var x = 0.0
        branches.forEach { branch ->
            val port = x + PORT
            if (x > 0) svg.tag("path", "class" to "wire", "d" to "M$PORT 4H${port - 8}q8 0 8 8V$BEND")
            if (x > 0) {
                svg.tag(
                    "path",
                    "class" to "wire",
                    "d" to "M$port ${BEND + branch.height}V${height + BEND + 6}q0 8 -8 8H${PORT + RADIUS}",
                )
            }
            if (x == 0.0) svg.line(PORT, 0.0, PORT, height + 2 * BEND, "class" to "wire")
            svg.tag("g", "transform" to "translate($x $BEND)") { raw(branch.svg) }
            x += branch.width + BESIDE
        }
        svg.tag("circle", "cx" to PORT, "cy" to height + 2 * BEND - 2, "r" to RADIUS, "class" to "join")
        svg.text(PORT, height + 2 * BEND + 2, join, "class" to "sign", "text-anchor" to "middle")
        return Drawing(x - BESIDE, height + 2 * BEND + RADIUS, svg.toString())
    }

    private fun tip(box: Sketch.Box): String {
        val all = box.inside + box.cost
        val parameters = all.sumOf { it.parameters }
        val flops = all.sumOf { it.flops(Effect.PROMPT, 0) }
        val repeated = if (times > 1) " a layer, ${grouped(times * parameters)} in $times" else ""
        val weights = all.flatMap { it.weights }.map { (name, type) -> "${name.substringAfter("blocks.")}  $type" }
        return (
            listOf(box.cost.address, "gives ${box.cost.output}", "${grouped(parameters)} parameters$repeated") +
                "${grouped(flops)} FLOPs for ${Effect.PROMPT} tokens" + weights
            ).joinToString("\n")
    }

    companion object {
        const val PORT = 20.0
        private const val WIDTH = 196.0
        private const val HEAD = 22.0
        private const val LINE = 16.0
        private const val STEP = 12.0
        private const val BEND = 14.0
        private const val INDENT = 16.0
        private const val BESIDE = 12.0
        private const val RADIUS = 8.0
    }
}

/** The facts of one model, by key; another's are held against them. */
internal class Facts(costs: List<LayerCost>) {
    private val values = costs.flatMap { facts(it.layer) + heading(it) }.groupBy({ it.key }, { it.text })

    fun differs(fact: Fact): Boolean = fact.text !in values[fact.key].orEmpty()
}

/** What the box of a layer is headed; layers of one part are compared by it. */
internal fun heading(cost: LayerCost): Fact = Fact("kind of ${cost.part}", title(cost.layer))

internal val LayerCost.part: String get() = nodes.firstOrNull()?.part?.title ?: "other"
