package kumiko.dsl.mapping

import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena

/** Which tensors go into which files, when the rules of a map are followed backwards. Nothing is written yet. */
internal class ExportPlan(
    private val map: CheckpointMap,
    spec: ModelSpec,
    private val parameters: ParameterSource,
    private val shards: Int,
    private val keepsakes: Keepsakes,
) {
    private val targets = spec.targets()

    val isZero: Boolean get() = parameters.isZero

    /** Tensors by the name of their file, in the order of the map. */
    val files = LinkedHashMap<String, MutableList<TensorSource>>()

    init {
        val routes = Routes(map, targets, shards)
        requireAll(routes)
        routes.routes.forEach(::place)
        keepsakes.ignored().forEach { (file, named) -> add(file, TensorSource.of(named.key, named.tensor)) }
        requireFit()
    }

    private fun requireAll(routes: Routes) {
        val shapes = routes.routes.mapNotNull { route -> StoredShape.of(route).problem?.let { route to it } }
        val problems = routes.problems.map { "${it.message} (line ${it.rule.line})" } +
            shapes.map { (route, problem) -> "${route.targets.first().name}: $problem (line ${route.rule.line})" }
        if (problems.isEmpty()) return
        throw MappingException("${targets.model} cannot be written through map ${map.name}:\n" + problems.joinToString("\n") { "  $it" })
    }

    private fun place(route: Route) {
        if (route.tied && route.rule.optional && keepsakes.key(route, 0) == null) return
        val kept = keptParts(route)
        for (shard in 0 until route.shards) {
            val key = keepsakes.key(route, shard) ?: (route.stripPrefix.orEmpty() + route.key)
            add(fileOf(route, shard), kept?.let { TensorSource.of(key, it[shard]) } ?: part(route, shard, key))
        }
    }

    /** The parts of a merge that cannot be dealt out as they were, if they are known and still give the parameter. */
    private fun keptParts(route: Route): List<Tensor>? {
        val lossy = route.shards > 1 && (route.rule.merge == Merge.SUM || route.rule.merge == Merge.MEAN)
        val parts = if (lossy) keepsakes.parts(route) else null
        return parts?.takeIf { tensors -> Arena.ofConfined().use { arena -> stillGive(route, tensors, arena) } }
    }

    private fun stillGive(route: Route, parts: List<Tensor>, arena: Arena): Boolean {
        if (parts.any { it.shape() != StoredShape.of(route).shape }) return false
        val stored = parts.indices.map { StoredTensor(route.files[it].first(), route.key, parts[it].dtype(), parts[it].shape()) }
        return SameBytes.firstDifference(Merging.merge(route, stored, parts, arena), merged(route, arena)) == null
    }

    private fun part(route: Route, shard: Int, key: String): TensorSource {
        val types = route.targets.map(parameters::dtype).distinct()
        if (types.size > 1) {
            throw MappingException("$key holds ${route.targets.joinToString(", ") { it.name }} together, but their types are $types")
        }
        val shape = StoredShape.of(route).shape!!
        if (parameters.isZero) return TensorSource.zeros(key, types.single(), shape)
        return MatrixTensor.source(key, types.single(), shape) { arena ->
            Merging.deal(route, merged(route, arena), route.shards, arena)[shard]
        }
    }

    private fun merged(route: Route, arena: Arena): Matrix = Steps.backward(route, route.targets.map { parameters.get(it, arena) }, arena)

    /** The file as it was called before, else by its first name in the map. */
    private fun fileOf(route: Route, shard: Int): String =
        route.files[shard].let { names -> names.firstOrNull { it in keepsakes.files } ?: names.first() }

    private fun add(file: String, tensor: TensorSource) {
        files.getOrPut(file) { ArrayList() } += tensor
    }

    /** The plan is itself a checkpoint that must fit. */
    private fun requireFit() {
        val keys = files.mapValues { (file, all) -> all.map { StoredTensor(file, it.name(), it.dtype(), it.shape()) } }
        MapChecker.check(map, targets, KeyList(keys, shards)).requireFit()
    }
}
