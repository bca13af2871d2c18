package kumiko.dsl.mapping

import kumiko.runtime.tensor.Shape

/** What probably went wrong when a stored shape is not the expected one. */
internal object ShapeHint {
    fun problem(route: Route, part: StoredTensor, expected: Shape): KeyProblem {
        val spec =
            route.targets.joinToString(" + ") { it.text } +
                if (expected.toString() == route.targets.singleOrNull()?.plain) "" else ", stored as $expected"
        return KeyProblem(ProblemKind.WRONG_SHAPE, route.targets.first().name, spec, "$part", hint(route, part.shape, expected))
    }

    private fun hint(route: Route, found: Shape, expected: Shape): String? = when {
        exchanged(found, expected) && route.rule.transpose ->
            "the two axes are exchanged: this file stores [out, in], but line ${route.rule.line} of the map says \"transpose\""

        exchanged(found, expected) ->
            "the two axes are exchanged: a weight stored [in, out] needs \"transpose\": true in line ${route.rule.line} of the map"

        otherAxis(route, found, expected) ->
            "the shards divide this tensor along the other axis: \"merge\" would be \"${other(
                route,
            ).word}\" in line ${route.rule.line} of the map"

        else -> null
    }

    private fun exchanged(found: Shape, expected: Shape) =
        found.rank() == 2 && expected.rank() == 2 && found.dim(0) == expected.dim(1) && found.dim(1) == expected.dim(0)

    private fun otherAxis(route: Route, found: Shape, expected: Shape): Boolean {
        if (found.rank() != 2 || expected.rank() != 2) return false
        val n = route.shards
        return when (route.rule.merge) {
            Merge.CONCAT_ROWS -> found.dim(0) == expected.dim(0) * n && found.dim(1) * n == expected.dim(1)
            Merge.CONCAT_COLUMNS -> found.dim(1) == expected.dim(1) * n && found.dim(0) * n == expected.dim(0)
            else -> false
        }
    }

    private fun other(route: Route) = if (route.rule.merge == Merge.CONCAT_ROWS) Merge.CONCAT_COLUMNS else Merge.CONCAT_ROWS
}
