package kumiko.dsl.mapping

/** A key and what became of it: the parameters it fills (or repeats, where [tied]), from one part per shard. */
class MatchedKey(val route: Route, val parts: List<StoredTensor>) {
    val tied: Boolean get() = route.tied

    /** `transpose, split thirds`; empty where the stored tensor is the parameter. */
    val steps: String get() = listOfNotNull(
        route.rule.merge?.takeIf { route.shards > 1 }?.let { "merge ${it.word}" },
        "transpose".takeIf { route.rule.transpose && route.targets.first().shape.size > 1 },
        route.rule.split?.let { "split ${it.word}" },
        route.rule.rope?.let { "rope ${it.word}" },
        "tied".takeIf { tied },
    ).joinToString(", ")
}

/** A key that the map names as no weight, and why. */
class IgnoredTensor(val tensor: StoredTensor, val reason: String)

enum class ProblemKind(val word: String) {
    MISSING_FILE("missing file"),
    MISSING("missing"),
    WRONG_SHAPE("wrong shape"),
    WRONG_TYPE("wrong type"),
    DUPLICATED("duplicated"),
    UNEXPECTED("unexpected"),
    RULE("rule cannot apply"),
}

/** One thing that does not fit: the [name] concerned (a parameter, a key or a file), what the spec and the checkpoint say, and a hint. */
data class KeyProblem(val kind: ProblemKind, val name: String, val spec: String?, val checkpoint: String?, val hint: String?)

/**
 * What became of every key of a checkpoint and of every parameter of a model under a map, from the key lists alone. [fits] is the proof
 * that each key is used exactly once or ignored, and each parameter filled exactly once with its shape.
 */
class KeyAccount(
    val model: String,
    val map: String,
    val parameters: Int,
    val matched: List<MatchedKey>,
    val ignored: List<IgnoredTensor>,
    val problems: List<KeyProblem>,
) {
    val fits: Boolean get() = problems.isEmpty()

    /** @throws MappingException listing every problem, grouped by layer range */
    fun requireFit(): KeyAccount {
        if (!fits) throw MappingException(KeyReport.problems(this))
        return this
    }
}
