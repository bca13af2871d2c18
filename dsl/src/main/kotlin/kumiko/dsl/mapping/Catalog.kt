package kumiko.dsl.mapping

import kumiko.dsl.spec.ModelSpec

/** The maps and built-in specs that checkpoints are read with. */
interface Catalog {
    val maps: List<CheckpointMap>

    /** The built-in spec that a map names as its model; an unknown name is refused. */
    fun spec(name: String): ModelSpec
}
