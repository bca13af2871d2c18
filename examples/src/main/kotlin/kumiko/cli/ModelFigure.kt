package kumiko.cli

import kumiko.cli.report.short
import kumiko.dsl.compare.words
import kumiko.dsl.mapping.LayerRanges
import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.GatedResidual
import kumiko.dsl.spec.GlmResidual
import kumiko.dsl.spec.Layer
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.ParallelResidual
import kumiko.dsl.spec.Path
import kumiko.dsl.spec.PostNorm
import kumiko.dsl.spec.Product
import kumiko.dsl.spec.ScaledResidual
import kumiko.dsl.spec.SequentialResidual
import kumiko.dsl.spec.Sum

/** Draws a model's wiring in at most [width] columns, as far as its words can be broken so small. */
internal class ModelFigure(private val width: Int) {
    /** The embedding, every different block, the head, and a prefix where there is one. */
    fun draw(spec: ModelSpec): String = buildString {
        section("embedding", spec.embedding)
        val blocks = (0..<spec.layers).groupBy { spec.block(it) }
        blocks.forEach { (block, layers) ->
            section(if (layers.size == 1) "block ${layers[0]}" else "blocks ${LayerRanges.ranges(layers)}", block)
        }
        section("head", spec.head)
        spec.prefix?.let { section("prefix", it) }
    }

    private fun StringBuilder.section(title: String, layer: Layer) {
        append(title).append('\n')
        figure(layer, width - 2).lines.forEach { append("  ").append(it).append('\n') }
    }

    private fun figure(layer: Layer, room: Int): Figure = when (layer) {
        is Path -> path(layer.layers, room)
        is SequentialResidual -> Figure.stack(layer.paths.map { residual(listOf(it), room, "") })
        is ParallelResidual -> residual(layer.paths, room, "")
        is ScaledResidual -> Figure.stack(layer.paths.map { residual(listOf(it), room, "  x + ${layer.scale.short()} * branch") })
        is GatedResidual -> Figure.stack(layer.gated.map { residual(listOf(layer.gate, it), room, "  x + gate * branch") })
        is GlmResidual -> Figure.stack(layer.paths.flatMap { glm(it, room, "  ${layer.alpha.short()} * normed + branch") })
        is PostNorm -> Figure.stack(layer.paths.flatMap { postNorm(it, room) })
        is Sum -> fan(layer.paths, room, '⊕')
        is Product -> fan(layer.paths, room, '⊗')
        else -> Figure.stack(listOf(box(listOf(layer), room)) + if (layer.isWhole()) listOf() else layer.paths.map { figure(it, room) })
    }

    /** Boxes and wires meet at the box's port, so the wires have as much less room. */
    private fun glm(path: Path, room: Int, note: String): List<Figure> = box(path.layers.take(1), room).let { norm ->
        listOf(norm, residual(listOf(path.copy(layers = path.layers.drop(1))), room - norm.port, note))
    }

    private fun postNorm(path: Path, room: Int): List<Figure> = box(path.layers.takeLast(1), room).let { norm ->
        listOf(residual(listOf(path.copy(layers = path.layers.dropLast(1))), room - norm.port, ""), norm)
    }

    /** Layers that are drawn whole share a box; a wiring inside a path stands between boxes. */
    private fun path(layers: List<Layer>, room: Int): Figure {
        val parts = mutableListOf<MutableList<Layer>>()
        for (layer in layers) {
            if (layer.isWhole() && parts.lastOrNull()?.last()?.isWhole() == true) parts.last() += layer else parts += mutableListOf(layer)
        }
        return Figure.stack(parts.map { if (it[0].isWhole()) box(it, room) else figure(it[0], room) })
    }

    private fun residual(branches: List<Path>, room: Int, note: String): Figure =
        Figure.residual(branches.map { figure(it, (room - 3) / branches.size - 3) }, '⊕', note)

    private fun fan(branches: List<Path>, room: Int, join: Char): Figure = Figure.fan(
        branches.map {
            figure(it, room / branches.size - 2)
        },
        join,
    )

    private fun box(layers: List<Layer>, room: Int): Figure = Figure.box(layers.flatMap { rows(it, room - 4) })

    private fun rows(layer: Layer, room: Int): List<String> {
        val label = layer.label.orEmpty()
        val column = if (label.isEmpty()) 0 else maxOf(label.length, LABEL) + 2
        return layer.words().wrapped(maxOf(room - column, NARROWEST)).mapIndexed { index, line ->
            (if (index == 0) label else "").padEnd(column) + line
        }
    }

    /** Whether a layer is drawn as words alone: it holds no others, or only the norms of its heads. */
    private fun Layer.isWhole(): Boolean = this is Attention || (this !is Path && paths.isEmpty())

    private companion object {
        const val LABEL = 9
        const val NARROWEST = 12
    }
}
