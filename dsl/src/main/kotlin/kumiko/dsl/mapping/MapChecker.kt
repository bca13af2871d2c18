package kumiko.dsl.mapping

import kumiko.dsl.spec.nearest
import kumiko.runtime.tensor.Shape

/**
 * Proves from key lists and shapes alone, before a byte of data is read, that a map carries a checkpoint into a model: every key used
 * exactly once or ignored, every parameter filled exactly once, with its shape, in a floating type.
 */
object MapChecker {
    /** [layers] limits what is loaded; keys of other layers may be there or not. */
    fun check(map: CheckpointMap, targets: Targets, keys: KeyList, layers: IntRange? = null): KeyAccount =
        Check(map, targets, keys, layers).account()
}

private class Check(
    private val map: CheckpointMap,
    private val targets: Targets,
    private val keys: KeyList,
    private val layers: IntRange?,
) {
    private val routes = Routes(map, targets, keys.shards)
    private val stored: Map<String, Map<String, List<StoredTensor>>> = keys.files.mapValues { (_, all) -> all.groupBy { it.key } }
    private val owner = HashMap<StoredTensor, Route>()
    private val problems = ArrayList<KeyProblem>()
    private val matched = ArrayList<MatchedKey>()
    private val missing = HashMap<String, Shape?>()

    fun account(): KeyAccount {
        keys.strays.forEach { report(ProblemKind.UNEXPECTED, it, null, "the file $it", "the model has no such layer or shard") }
        routes.problems.forEach { report(ProblemKind.RULE, it.parameter, null, null, "${it.message} (${ruleText(it.rule)})") }
        absentFiles().forEach { report(ProblemKind.MISSING_FILE, it, null, "no file $it", "fetch or export the checkpoint again") }
        routes.routes.forEach { if (wanted(it)) follow(it) else leaveOut(it) }
        parameters()
        val ignored = leftOver()
        return KeyAccount(targets.model, map.name, targets.all.size, matched, ignored, problems)
    }

    private fun wanted(route: Route) = layers == null || route.layer == null || route.layer in layers

    private fun leaveOut(route: Route) {
        for (file in route.files.flatten()) {
            names(route).flatMap { stored[file]?.get(it).orEmpty() }.forEach { owner[it] = route }
        }
    }

    private fun names(route: Route) = listOfNotNull(route.key, route.stripPrefix?.plus(route.key))

    private fun absentFiles(): Set<String> = routes.routes.filter(::wanted).flatMap {
        it.files
    }.filter { names -> names.none { it in stored } }.mapTo(LinkedHashSet()) { it.first() }

    private fun follow(route: Route) {
        val shape = StoredShape.of(route)
        if (shape.problem !=
            null
        ) {
            report(ProblemKind.RULE, route.targets.first().name, null, null, "${shape.problem} (${ruleText(route.rule)})")
        }
        val before = problems.size
        val parts = route.files.mapNotNull { part(route, it, shape.shape) }
        shape.shape?.let { expected -> parts.forEach { if (it.shape != expected) problems += ShapeHint.problem(route, it, expected) } }
        parts.forEach { types(route, it, parts.first()) }
        if (problems.size == before && parts.size == route.shards && shape.problem == null) matched += MatchedKey(route, parts)
    }

    /** The stored part of a route in one file; null where it is absent, which is reported unless the whole file is. */
    private fun part(route: Route, files: List<String>, expected: Shape?): StoredTensor? {
        val file = files.firstOrNull { it in stored } ?: return null
        val found = names(route).flatMap { stored.getValue(file)[it].orEmpty() }
        if (found.isEmpty() && !(route.tied && route.rule.optional)) {
            missing[route.key] = expected
            report(ProblemKind.MISSING, if (route.tied) route.key else target(route), spec(route), "no ${route.key} in $file", null)
        }
        if (found.size > 1) report(ProblemKind.DUPLICATED, route.key, spec(route), found.joinToString("; "), "one of them must go")
        val part = found.firstOrNull() ?: return null
        val other = owner.putIfAbsent(part, route)
        if (other != null) {
            val lines = "lines ${other.rule.line} and ${route.rule.line} of map ${map.name}"
            report(ProblemKind.DUPLICATED, part.key, "$lines both use it", "$part", null)
        }
        return part
    }

    private fun types(route: Route, part: StoredTensor, first: StoredTensor) {
        if (!part.dtype.isFloating) {
            report(
                ProblemKind.WRONG_TYPE,
                target(route),
                "a floating type",
                "$part",
                "weights have a fraction; this is no weight",
            )
        }
        if (part.dtype != first.dtype) report(ProblemKind.WRONG_TYPE, target(route), "one type in all shards", "$part, but $first", null)
    }

    /** Every parameter exactly once. A route whose key is missing was reported as such. */
    private fun parameters() {
        val filled = routes.routes.filter { !it.tied }.flatMap { r -> r.targets.map { it.name to r } }.groupBy({ it.first }, { it.second })
        for (target in targets.all) {
            val by = filled[target.name].orEmpty()
            if (by.isEmpty() && routes.problems.none { it.parameter == target.name }) {
                report(ProblemKind.MISSING, target.name, target.text, "no rule of map ${map.name} fills it", idleHint(target.name))
            }
            if (by.size > 1) {
                val lines = by.map { it.rule.line }.distinct().joinToString(" and ")
                report(
                    ProblemKind.DUPLICATED,
                    target.name,
                    target.text,
                    "filled by ${by.joinToString(" and ") {
                        it.key
                    }} (lines $lines of map ${map.name})",
                    null,
                )
            }
        }
    }

    private fun idleHint(name: String): String? {
        val skeleton = LayerRanges.skeleton(name)
        val candidates = routes.idle.associateBy { it.to.text.replace("{i}", "{}").replace("{p}", name.substringAfterLast('.')) }
        val near = nearest(skeleton, candidates.keys) ?: return null
        val rule = candidates.getValue(near)
        return "${ruleText(rule)} fills ${rule.to}, which the model does not have"
    }

    private fun leftOver(): List<IgnoredTensor> {
        val ignored = ArrayList<IgnoredTensor>()
        for (tensor in keys.files.values.flatten()) {
            if (tensor in owner) continue
            val names = map.sections.mapNotNull { it.stripPrefix }.distinct().map { tensor.key.removePrefix(it) } + tensor.key
            val rule = map.ignored.firstOrNull { i ->
                names.any { n ->
                    i.key.match(n, targets.layers)?.let {
                        (it.layer ?: 0) <
                            targets.layers
                    } ==
                        true
                }
            }
            if (rule != null) ignored += IgnoredTensor(tensor, rule.reason) else unexpected(tensor)
        }
        return ignored
    }

    private fun unexpected(tensor: StoredTensor) {
        val near = nearest(tensor.key, missing.filterValues { it == tensor.shape }.keys)
        report(
            ProblemKind.UNEXPECTED,
            tensor.key,
            null,
            "$tensor",
            near?.let { "nothing maps it; is it the missing $it?" } ?: "nothing maps or ignores it",
        )
    }

    private fun target(route: Route) = route.targets.first().name

    private fun spec(route: Route): String = route.targets.joinToString(" + ") { it.text }

    private fun ruleText(rule: MapRule) = "line ${rule.line} of map ${map.name}"

    private fun report(kind: ProblemKind, name: String, spec: String?, checkpoint: String?, hint: String?) {
        problems += KeyProblem(kind, name, spec, checkpoint, hint)
    }
}
