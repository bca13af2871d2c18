package kumiko.cli.parity

import kumiko.architectures.Maps
import kumiko.dsl.compile.compile
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.mapping.MappingException
import kumiko.dsl.mapping.Rereading
import kumiko.dsl.mapping.Rereading.Step
import kumiko.dsl.mapping.rereadings
import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.run.Weights
import kumiko.runtime.tensor.Matrix

/** The same files understood in another way: a rule of the map read otherwise, the rows of a matrix in another order, another spec. */
internal class CheckpointAlternatives(private val model: CheckpointModel, private val base: Variant, private val orders: HeadOrders) {
    fun all(inside: Inside): List<Alternative> = rereadings(inside) + reorderings(inside) + if (model.isWhole) specs() else emptyList()

    private fun rereadings(inside: Inside) = model.rereadings().filter { r ->
        r.parameters.any { it in inside.parameters }
    }.map { reading ->
        val heads = reading.keys.flatMap { key -> key.route.targets.mapNotNull { t -> t.heads?.let { t.name to it.size } } }.toMap()
        val order = if (reading.step == Step.ROPE) orders.with(heads, reading.rope) else orders
        val words = "${reading.words} for ${reading.keys.map { Inside.role(it.route.targets.first().name) }.distinct().joinToString()}"
        Alternative(reading.step.cause(), words, base.graph, order::of, reading.parameters) { trial -> read(reading, inside, trial) }
    }

    private fun Step.cause() = when (this) {
        Step.MERGE -> Cause.SHARDS
        Step.TRANSPOSE -> Cause.TRANSPOSED
        Step.SPLIT -> Cause.QKV_LAYOUT
        Step.ROPE -> Cause.ROTARY_PAIRING
    }

    private fun read(reading: Rereading, inside: Inside, trial: Trial): Weights? = try {
        over(reading.read(inside.parameters.toSet(), trial.arena))
    } catch (_: MappingException) {
        null // Copies that should agree do not, so this reading is none.
    }

    /** Rows and blocks in another order, for each kind of matrix alone and for query, key and value together. */
    private fun reorderings(inside: Inside): List<Alternative> {
        val heads = Reordering.heads(model.spec, inside.parameters)
        val matrices = inside.nodes.filter { it.name() in inside.parameters && it.type().extents().size == 2 }.map { it.name() }
        val blocks = matrices.groupBy { Inside.role(it) }.flatMap { (role, names) ->
            Reordering.shards(role).map { it to names.toSet() }
        }
        return (heads + blocks).map { (reordering, names) ->
            Alternative(reordering.cause, reordering.words, base.graph, base.headOrder, names) { trial ->
                val changed = names.mapNotNull { name ->
                    reordering.apply(name, base.weights[name], trial.arena)?.let { name to it }
                }.toMap()
                changed.ifEmpty { null }?.let(::over)
            }
        }
    }

    private fun over(changed: Map<String, Matrix>) = Weights { changed[it] ?: base.weights[it] }

    private fun specs(): List<Alternative> = SpecAlternatives.of(model.spec).map { other ->
        Alternative(other.cause, other.words, other.spec.compile(), base.headOrder) { trial -> open(other.spec, trial) }
    }

    private fun open(spec: ModelSpec, trial: Trial): Weights? = try {
        val other = trial.keep(CheckpointModel.open(model.directory, Maps, model.map, spec))
        if (other.account.fits) trial.keep(other.load()) else null
    } catch (_: MappingException) {
        null // The files do not have what this spec needs.
    }
}
