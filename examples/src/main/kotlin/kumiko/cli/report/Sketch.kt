package kumiko.cli.report

import kumiko.dsl.compare.LayerCost
import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.GatedResidual
import kumiko.dsl.spec.GlmResidual
import kumiko.dsl.spec.Layer
import kumiko.dsl.spec.ParallelResidual
import kumiko.dsl.spec.Path
import kumiko.dsl.spec.PostNorm
import kumiko.dsl.spec.Product
import kumiko.dsl.spec.ScaledResidual
import kumiko.dsl.spec.SequentialResidual
import kumiko.dsl.spec.Sum

/** A model's wiring as shapes, before they have a place. */
internal sealed interface Sketch {
    data class Box(val cost: LayerCost, val inside: List<LayerCost>) : Sketch

    /** One behind the other. */
    data class Column(val parts: List<Sketch>) : Sketch

    /** The stream passes by [branches], which leave it and are added to it; [note] says how, where it is not a plain sum. */
    data class Residual(val branches: List<Sketch>, val note: Fact) : Sketch

    /** All [branches] read the same rows and meet at [join]. */
    data class Fan(val branches: List<Sketch>, val join: String) : Sketch
}

/** Sketches layers; [costs] are those of one embedding, block or head, in order, outside before inside. */
internal class Sketcher(costs: List<LayerCost>) {
    private val left = ArrayDeque(costs)

    fun sketch(layer: Layer): Sketch {
        if (layer is Path) return column(layer.layers.map { sketch(it) })
        val cost = left.removeFirst()
        check(cost.layer === layer || cost.layer == layer) { "the account lists ${cost.layer} where $layer stands" }
        return when (layer) {
            is SequentialResidual -> column(layer.paths.map { residual(layer, listOf(sketch(it))) })

            is ParallelResidual -> residual(layer, layer.paths.map { sketch(it) })

            is ScaledResidual -> column(layer.paths.map { residual(layer, listOf(sketch(it))) })

            is GlmResidual -> column(layer.paths.flatMap { glm(layer, it) })

            is PostNorm -> column(layer.paths.flatMap { postNorm(layer, it) })

            is GatedResidual -> sketch(layer.gate).let { gate -> column(layer.gated.map { residual(layer, listOf(gate, sketch(it))) }) }

            is Sum -> Sketch.Fan(layer.paths.map { sketch(it) }, "+")

            is Product -> Sketch.Fan(layer.paths.map { sketch(it) }, "×")

            is Attention -> Sketch.Box(cost, layer.paths.map { left.removeFirst() })

            else -> if (layer.paths.isEmpty()) {
                Sketch.Box(cost, emptyList())
            } else {
                column(
                    listOf(Sketch.Box(cost, emptyList())) + layer.paths.map {
                        sketch(it)
                    },
                )
            }
        }
    }

    private fun glm(layer: Layer, path: Path): List<Sketch> =
        listOf(sketch(path.layers.first()), residual(layer, listOf(column(path.layers.drop(1).map { sketch(it) }))))

    private fun postNorm(layer: Layer, path: Path): List<Sketch> =
        listOf(residual(layer, listOf(column(path.layers.dropLast(1).map { sketch(it) }))), sketch(path.layers.last()))

    private fun residual(layer: Layer, branches: List<Sketch>) = Sketch.Residual(branches, facts(layer).single())

    private fun column(parts: List<Sketch>): Sketch = parts.singleOrNull() ?: Sketch.Column(parts)
}
