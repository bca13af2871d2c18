package kumiko.dsl.mapping

import kumiko.dsl.spec.Dim
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.parameters
import kumiko.dsl.spec.withDims

/** Sizes that a configuration leaves open (`"vocab_size": -1`), read from the shapes of the tensors that have them. */
internal object OpenSizes {
    /** [spec] with the sizes of the dims called [open]. */
    fun close(map: CheckpointMap, spec: ModelSpec, open: Set<String>, keys: KeyList): ModelSpec {
        val routes = Routes(map, spec.targets(), keys.shards).routes
        val sizes = open.map { dim ->
            dim to (
                find(
                    spec,
                    dim,
                    routes,
                    keys,
                ) ?: throw MappingException("${spec.name}: no tensor of the checkpoint tells the size $dim")
                )
        }
        return if (sizes.isEmpty()) spec else spec.withDims(*sizes.toTypedArray())
    }

    private fun find(spec: ModelSpec, dim: String, routes: List<Route>, keys: KeyList): Int? {
        val dims = spec.parameters().associate { it.name to it.dims }
        return routes.filter { it.targets.size == 1 }.firstNotNullOfOrNull { route ->
            val axis = dims.getValue(route.targets.single().name).indexOfFirst { it is Dim.Named && it.name == dim }
            if (axis < 0) null else size(route, axis, keys)
        }
    }

    /** The extent of [axis] of the parameter, counted over all shards. */
    private fun size(route: Route, axis: Int, keys: KeyList): Int? {
        val names = listOfNotNull(route.key, route.stripPrefix?.plus(route.key))
        val part = route.files.first().firstNotNullOfOrNull { keys.files[it] }?.firstOrNull { it.key in names } ?: return null
        val rank = part.shape.rank()
        val stored = if (route.rule.transpose && rank == 2) 1 - axis else axis
        if (stored >= rank) return null
        val divided = when (route.rule.merge) {
            Merge.CONCAT_ROWS -> stored == 0
            Merge.CONCAT_COLUMNS -> stored == 1
            else -> false
        }
        val size = part.shape.dim(stored) * if (divided) route.shards else 1
        return size.takeIf { it in 1..Int.MAX_VALUE }?.toInt()
    }
}
