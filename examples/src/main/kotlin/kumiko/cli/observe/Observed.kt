package kumiko.cli.observe

import java.util.Locale

/**
 * One or two checkpoints on one sequence of [ids].
 *
 * @property pair null for a single checkpoint
 * @property leftOut what is missing in the attention maps, in words; null for nothing
 */
internal class Observed(
    val ids: List<Int>,
    val words: TokenWords,
    val runs: List<ModelRun>,
    val pair: RunPair?,
    val leftOut: String?,
) {
    /** Every token that is told of. */
    val mentioned: Set<Int> get() = ids.toSet() + runs.flatMap { run -> run.next.flatten().map { it.id } }

    /** Where the two part, a sentence for values and one for tokens; empty for a single checkpoint. */
    fun parting(): List<String> = if (pair == null) emptyList() else listOf(values(pair), tokens(pair))

    private fun values(pair: RunPair): String = when (val parting = pair.parting) {
        null -> "No value that both have differs by more than ${Parting.MEASURE} of its size."

        else -> "Their values part first at ${parting.node}, position ${parting.position} (${words.quoted(ids[parting.position])}), " +
            "by ${parting.distance.short()} of their size; up to ${Parting.MEASURE} does not count."
    }

    private fun tokens(pair: RunPair): String {
        val position = pair.nextParting ?: return "Behind every position both find the same next token most probable."
        val (a, b) = runs.map { run -> run.model to run.next[position].first() }
        fun says(run: Pair<String, NextToken>) = "${run.first} says ${words.quoted(run.second.id)} (${percent(run.second.probability)})"
        return "Their next tokens differ first behind position $position (${words.quoted(ids[position])}): ${says(a)}, ${says(b)}."
    }

    private fun Double.short() = "%.3g".format(Locale.ROOT, this)

    companion object {
        /** `42.3 %`. */
        fun percent(share: Double): String = "%.1f %%".format(Locale.ROOT, 100 * share)
    }
}
