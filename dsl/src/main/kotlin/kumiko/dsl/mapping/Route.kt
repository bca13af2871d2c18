package kumiko.dsl.mapping

import kumiko.dsl.mapping.KeyTemplate.Binding
import kumiko.dsl.mapping.KeyTemplate.Variable

/**
 * A rule for one layer: the key that holds the parameters, in one file per shard. [tied] names the parameter whose bytes the key
 * repeats when there is no parameter of its own; then [targets] is that parameter and nothing is produced.
 */
class Route internal constructor(
    val rule: MapRule,
    /** The layer, for rules that are written once for all layers. */
    val layer: Int?,
    val stripPrefix: String?,
    /** For every shard the names of the files that may hold it, the first that exists counts. */
    val files: List<List<String>>,
    val key: String,
    val targets: List<Target>,
    val tied: Boolean,
) {
    val shards: Int get() = files.size

    override fun toString() = "$key -> ${targets.joinToString(", ") { it.name }}"
}

/** Rules that could not be followed for this model, found while routes are made. */
internal class RouteProblem(val rule: MapRule, val parameter: String, val message: String)

/** All routes of a map for one model. Only names are looked at. */
internal class Routes(private val map: CheckpointMap, private val targets: Targets, private val shards: Int) {
    val routes = ArrayList<Route>()
    val problems = ArrayList<RouteProblem>()

    /** Rules that fill nothing in this model; a hint when something is missing. */
    val idle = ArrayList<MapRule>()

    init {
        for (section in map.sections) {
            for (rule in section.rules) {
                val before = routes.size + problems.size
                bindings(rule, section).forEach { route(section, rule, it) }
                if (routes.size + problems.size == before) idle += rule
            }
        }
    }

    /** The names of the files of a section for one layer: one list of alternatives per shard. */
    private fun files(section: MapSection, binding: Binding): List<List<String>> {
        val count = if (section.file.has(Variable.SHARD)) shards else 1
        return (0 until count).map { shard -> fileNames(section.file, binding.copy(shard = shard)) }
    }

    private fun bindings(rule: MapRule, section: MapSection): List<Binding> {
        val layered = rule.to.has(Variable.LAYER)
        val layers: List<Int?> = if (layered) (0 until targets.layers).toList() else listOf(null)
        val kinds: List<String?> = if (rule.to.hasKind) listOf("weight", "bias") else listOf(null)
        val choices = combinations(rule.from.groups.map { it.size })
        return layers.flatMap { i -> kinds.flatMap { p -> choices.map { c -> Binding(i, null, targets.layers, p, c) } } }
    }

    private fun route(section: MapSection, rule: MapRule, binding: Binding) {
        val names = targetNames(rule, binding)
        val found = names.mapNotNull { targets[it] }
        val key = rule.from.render(binding)
        rule.tie?.render(binding)?.takeIf { targets[it] == null }?.let {
            problems += RouteProblem(rule, it, "$key is tied to $it, which ${targets.model} does not have")
        }
        when {
            found.size == names.size ->
                routes +=
                    Route(rule, binding.layer, section.stripPrefix, files(section, binding), key, found, tied = false)

            found.isNotEmpty() -> problems += partly(rule, key, names, found.map { it.name })

            rule.tie != null -> tie(section, rule, binding, key)
        }
    }

    private fun targetNames(rule: MapRule, binding: Binding): List<String> = if (rule.split == null) {
        listOf(rule.to.render(binding))
    } else {
        rule.to.groups.first().indices.map { part -> rule.to.render(binding.copy(choices = listOf(part) + binding.choices)) }
    }

    private fun partly(rule: MapRule, key: String, names: List<String>, found: List<String>): RouteProblem {
        val absent = names - found.toSet()
        return RouteProblem(
            rule,
            names.first(),
            "$key holds ${names.joinToString(", ")} together, but ${targets.model} has no ${absent.joinToString(", ")}",
        )
    }

    private fun tie(section: MapSection, rule: MapRule, binding: Binding, key: String) {
        val target = targets[rule.tie!!.render(binding)] ?: return
        routes += Route(rule, binding.layer, section.stripPrefix, files(section, binding), key, listOf(target), tied = true)
    }

    companion object {
        /** The file names that a template gives: one for each choice of its alternatives. */
        fun fileNames(file: KeyTemplate, binding: Binding): List<String> =
            combinations(file.groups.map { it.size }).map { file.render(binding.copy(choices = it)) }

        private fun combinations(sizes: List<Int>): List<List<Int>> =
            sizes.fold(listOf(emptyList())) { all, size -> all.flatMap { head -> (0 until size).map { head + it } } }
    }
}
