package kumiko.dsl.mapping

import kumiko.runtime.tensor.Shape

/** The shape a key must have for its route, found by running the steps backwards: from the parameters to the parts in the shards. */
internal object StoredShape {
    /** Either the shape of every shard's part, or why there can be none. */
    class Result(val shape: Shape?, val problem: String?)

    fun of(route: Route): Result {
        routeProblem(route)?.let { return Result(null, it) }
        val first = route.targets.first()
        val vector = first.shape.size == 1
        val rows = if (route.rule.split == null) first.rows else route.targets.sumOf { it.rows }
        val turned = route.rule.transpose && !vector
        val merged = if (turned) longArrayOf(first.columns.toLong(), rows.toLong()) else longArrayOf(rows.toLong(), first.columns.toLong())
        return part(route, if (vector) longArrayOf(rows.toLong()) else merged)
    }

    private fun part(route: Route, merged: LongArray): Result {
        val axis = when (route.rule.merge) {
            Merge.CONCAT_ROWS -> 0
            Merge.CONCAT_COLUMNS -> 1
            Merge.SUM, Merge.MEAN, Merge.DUPLICATE, null -> return Result(Shape.of(*merged), null)
        }
        return when {
            axis >= merged.size && route.shards > 1 ->
                Result(null, "a vector has no columns to join; \"merge\" must be concat0, sum, mean or duplicate")

            axis >= merged.size -> Result(Shape.of(*merged), null)

            merged[axis] % route.shards != 0L ->
                Result(null, "${merged[axis]} ${if (axis == 0) "rows" else "columns"} do not divide among ${route.shards} shards")

            else -> Result(Shape.of(*merged.clone().also { it[axis] /= route.shards.toLong() }), null)
        }
    }

    private fun routeProblem(route: Route): String? = splitProblem(route) ?: ropeProblem(route)

    private fun splitProblem(route: Route): String? {
        val split = route.rule.split ?: return null
        val columns = route.targets.map { it.shape.drop(1) }.distinct()
        if (columns.size > 1) return "the parts of a split must have the same columns, not ${columns.joinToString(" and ")}"
        return when (split) {
            Split.THIRDS ->
                "\"thirds\" over ${route.shards} shards joined by concat0 would mix the parts: each shard has its own thirds"
                    .takeIf { route.rule.merge == Merge.CONCAT_ROWS && route.shards > 1 }

            Split.PER_HEAD -> perHeadProblem(route)
        }
    }

    private fun perHeadProblem(route: Route): String? {
        val heads = route.targets.map { it.heads }
        val (query, key, value) = heads.map { it ?: return "\"per-head\" needs parameters with heads: query, key and value" }
        return when {
            key != value -> "\"per-head\": key has ${key.count} heads of ${key.size}, value ${value.count} of ${value.size}"
            query.size != key.size -> "\"per-head\": query heads have ${query.size} rows, key heads ${key.size}"
            query.count % key.count != 0 -> "\"per-head\": ${query.count} query heads do not divide among ${key.count} key/value heads"
            else -> null
        }
    }

    private fun ropeProblem(route: Route): String? {
        if (route.rule.rope == null) return null
        val target = route.targets.first { true }
        val heads = target.heads ?: return "\"rope\" reorders the rows of heads, but ${target.name} has none"
        return "\"rope\" needs heads of even size, but ${target.name} has ${heads.size}".takeIf { heads.size % 2 != 0 }
    }
}
