package kumiko.dsl.mapping

import kumiko.dsl.mapping.Rereading.Step
import kumiko.runtime.tensor.Matrix
import java.lang.foreign.Arena

/**
 * The keys of one rule read in another way than the map says: one [step] is exchanged. Where the shapes allow it, both ways load without a
 * complaint, and only the numbers tell which is right.
 *
 * @property words what is different: `split "thirds" in place of "per-head"`
 * @property keys those of the checkpoint that the rule reads
 */
class Rereading internal constructor(
    val step: Step,
    val words: String,
    val keys: List<MatchedKey>,
    private val model: CheckpointModel,
    private val other: MapRule,
) {
    /** How rows of heads are reordered in this reading. */
    val rope: Rope? get() = other.rope

    /** The steps of a rule, in their order. */
    enum class Step { MERGE, TRANSPOSE, SPLIT, ROPE }

    /** The names of the parameters that become others. */
    val parameters: Set<String> get() = keys.flatMap { key -> key.route.targets.map { it.name } }.toSet()

    /**
     * The parameters of these keys in layers of which one of [wanted] is asked for, read this way. What has to be copied lives in [arena].
     *
     * @throws MappingException if copies that should agree do not
     */
    fun read(wanted: Set<String>, arena: Arena): Map<String, Matrix> = buildMap {
        for (key in this@Rereading.keys.filter { key -> key.route.targets.any { it.name in wanted } }) {
            val route = key.route.by(other)
            val merged = Merging.merge(route, key.parts, key.parts.map(model::tensor), arena)
            route.targets.zip(Steps.forward(route, merged)) { target, matrix -> put(target.name, matrix) }
        }
    }
}

/** Every way to read the keys of a rule of this checkpoint's map, in which one step is another and all shapes still fit. */
fun CheckpointModel.rereadings(): List<Rereading> = account.matched.filter { !it.tied }.groupBy { it.route.rule }.flatMap { (rule, keys) ->
    rule.others().mapNotNull { (step, words, other) ->
        keys.filter { it.feels(step) && it.fits(other) }.ifEmpty { null }?.let { Rereading(step, words, it, this, other) }
    }
}

/** Whether the step can make a difference here: one shard is not merged, a vector is not turned. */
private fun MatchedKey.feels(step: Step) = when (step) {
    Step.MERGE -> route.shards > 1
    Step.TRANSPOSE -> route.targets.first().shape.size > 1
    Step.SPLIT, Step.ROPE -> true
}

private fun MatchedKey.fits(other: MapRule): Boolean {
    val shape = StoredShape.of(route.by(other))
    return shape.problem == null && parts.all { it.shape == shape.shape }
}

private fun Route.by(other: MapRule) = Route(other, layer, stripPrefix, files, key, targets, tied)

private fun MapRule.others(): List<Triple<Step, String, MapRule>> {
    val merges = if (merge == null) emptyList() else Merge.entries - merge
    val splits = if (split == null) emptyList() else Split.entries - split
    val reordered = if (rope == null) Rope.HALVES_TO_ADJACENT else null
    return merges.map { Triple(Step.MERGE, "merge \"${it.word}\" in place of \"${merge!!.word}\"", with(merge = it)) } +
        Triple(Step.TRANSPOSE, if (transpose) "no transpose" else "a transpose", with(transpose = !transpose)) +
        splits.map { Triple(Step.SPLIT, "split \"${it.word}\" in place of \"${split!!.word}\"", with(split = it)) } +
        Triple(Step.ROPE, if (reordered == null) "no rope" else "rope \"${reordered.word}\"", with(rope = reordered))
}

private fun MapRule.with(
    merge: Merge? = this.merge,
    transpose: Boolean = this.transpose,
    split: Split? = this.split,
    rope: Rope? = this.rope,
) = MapRule(line, from, to, merge, transpose, split, rope, tie, optional)
