package kumiko.dsl.mapping

import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.checkpoint.TensorSource
import java.lang.foreign.Arena

/** Which tensors go into which files, when the rules of a map are followed backwards. Nothing is written yet. */
internal class ExportPlan(
    private val map: CheckpointMap,
    spec: ModelSpec,
    private val parameters: ParameterSource,
    private val shards: Int,
    /** The checkpoint that the parameters come from, if it lies in the same layout: what a layout holds beyond the parameters is taken from it. */
    private val origin: CheckpointModel?,
) {
    private val targets = spec.targets()

    /** Tensors by the name of their file, in the order of the map. */
    val files = LinkedHashMap<String, MutableList<TensorSource>>()

    init {
        val routes = Routes(map, targets, shards)
        requireAll(routes)
        routes.routes.forEach(::place)
        origin?.account?.ignored?.forEach { i -> add(logicalFile(i.tensor), TensorSource.of(i.tensor.key, origin.tensor(i.tensor))) }
        requireFit()
    }

    private fun requireAll(routes: Routes) {
        val problems = routes.problems.map { "${it.message} (line ${it.rule.line})" } +
            routes.routes.mapNotNull { route ->
                StoredShape.of(route).problem?.let { "${route.targets.first().name}: $it (line ${route.rule.line})" }
            }
        if (problems.isNotEmpty()) {
            throw MappingException(
                "${targets.model} cannot be written through map ${map.name}:\n" + problems.joinToString("\n") {
                    "  $it"
                },
            )
        }
    }

    private fun place(route: Route) {
        val known = origin?.account?.matched?.firstOrNull {
            it.route.key == route.key && it.route.layer == route.layer && it.tied == route.tied
        }
        if (route.tied && route.rule.optional && known == null) return
        for (shard in 0 until route.shards) {
            val key = known?.parts?.get(shard)?.key ?: (route.stripPrefix.orEmpty() + route.key)
            add(fileOf(route, shard), part(route, shard, key, known))
        }
    }

    private fun part(route: Route, shard: Int, key: String, known: MatchedKey?): TensorSource {
        val kept = known?.parts?.takeIf { route.rule.merge == Merge.SUM || route.rule.merge == Merge.MEAN }
        if (kept != null) return TensorSource.of(key, origin!!.tensor(kept[shard]))
        val types = route.targets.map(parameters::dtype).distinct()
        if (types.size > 1) {
            throw MappingException(
                "$key holds ${route.targets.joinToString(", ") {
                    it.name
                }} together, but their types are $types",
            )
        }
        val shape = StoredShape.of(route).shape!!
        if (parameters.isZero) return TensorSource.zeros(key, types.single(), shape)
        return MatrixTensor.source(key, types.single(), shape) { arena -> matrix(route, shard, arena) }
    }

    private fun matrix(route: Route, shard: Int, arena: Arena) =
        Merging.deal(route, Steps.backward(route, route.targets.map { parameters.get(it, arena) }, arena), route.shards, arena)[shard]

    /** The spelling that the origin uses, else the first of the map. */
    private fun fileOf(route: Route, shard: Int): String =
        route.files[shard].let { names -> names.firstOrNull { it in origin?.files.orEmpty() } ?: names.first() }

    private fun logicalFile(tensor: StoredTensor): String = origin!!.logicalFile(tensor)

    private fun add(file: String, tensor: TensorSource) {
        files.getOrPut(file) { ArrayList() } += tensor
    }

    /** The plan is itself a checkpoint that must fit. */
    private fun requireFit() {
        val keys = files.mapValues { (file, all) -> all.map { StoredTensor(file, it.name(), it.dtype(), it.shape()) } }
        MapChecker.check(map, targets, KeyList(keys, shards)).requireFit()
    }
}
