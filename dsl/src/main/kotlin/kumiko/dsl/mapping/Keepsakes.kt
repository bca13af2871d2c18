package kumiko.dsl.mapping

import kumiko.runtime.tensor.Tensor

/**
 * What a layout holds beyond the parameters themselves, so that an export can give it back: how keys were spelt, the parts of merges
 * that lose something, keys that are no weights, the configuration file's text.
 */
internal interface Keepsakes {
    /** The map's names of the files that were there. */
    val files: Set<String>

    /** The stored tensors that are no weights, by the map's name of their file. */
    fun ignored(): List<Pair<String, Named>>

    /** How the key of a route was spelt in the file of a shard; null if it was not there. */
    fun key(route: Route, shard: Int): String?

    /** The parts of a `sum` or `mean`, one for each shard; null if they are not known. */
    fun parts(route: Route): List<Tensor>?

    fun config(file: String): String?

    class Named(val key: String, val tensor: Tensor)
}

/** The checkpoint itself, where it is written in its own layout. */
internal class OwnKeepsakes(private val model: CheckpointModel) : Keepsakes {
    private val matched = model.account.matched.associateBy { Triple(it.route.key, it.route.layer, it.tied) }

    override val files: Set<String> get() = model.files

    override fun ignored() =
        model.account.ignored.map { model.logicalFile(it.tensor) to Keepsakes.Named(it.tensor.key, model.tensor(it.tensor)) }

    override fun key(route: Route, shard: Int): String? = find(route)?.parts?.get(shard)?.key

    override fun parts(route: Route): List<Tensor>? = find(route)?.parts?.map(model::tensor)

    override fun config(file: String): String? = model.configText(file)

    private fun find(route: Route) = matched[Triple(route.key, route.layer, route.tied)]
}

/** Nothing is known: parameters that come from nowhere, or from another layout without a remainder. */
internal object NoKeepsakes : Keepsakes {
    override val files: Set<String> get() = emptySet()

    override fun ignored(): List<Pair<String, Keepsakes.Named>> = emptyList()

    override fun key(route: Route, shard: Int): String? = null

    override fun parts(route: Route): List<Tensor>? = null

    override fun config(file: String): String? = null
}
