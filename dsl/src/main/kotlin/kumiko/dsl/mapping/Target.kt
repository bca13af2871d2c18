package kumiko.dsl.mapping

import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.parameters

/** A parameter as a map sees it: its name, its extents, and for rows that belong to attention heads how many heads there are. */
data class Target(val name: String, val shape: List<Int>, val heads: Heads? = null, val text: String = shape.toString()) {
    /** [count] heads of [size] rows each; query, key and value each have their own. */
    data class Heads(val count: Int, val size: Int)

    /** The extents as numbers; [text] may name them too: `[hidden(3072), embed(768)]`. */
    val plain: String get() = shape.toString()

    val rows: Int get() = shape[0]

    /** A vector is a matrix of one column. */
    val columns: Int get() = if (shape.size == 1) 1 else shape[1]
}

/** All parameters of a spec, and its number of layers: what a map is checked against. */
class Targets(val model: String, val layers: Int, all: List<Target>) {
    private val byName = all.associateBy { it.name }

    val all: Collection<Target> get() = byName.values

    operator fun get(name: String): Target? = byName[name]

    init {
        require(byName.size == all.size) { "$model has two parameters of one name" }
    }
}

/** What a map has to fill for this model. */
fun ModelSpec.targets(): Targets = Targets(
    name,
    layers,
    parameters().map { p -> Target(p.name, p.shape, p.heads?.let { Target.Heads(it.heads.size, it.headDim.size) }, "${p.dims}") },
)
