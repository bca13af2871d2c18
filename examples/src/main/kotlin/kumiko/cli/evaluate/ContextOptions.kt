package kumiko.cli.evaluate

import com.github.ajalt.clikt.parameters.groups.OptionGroup
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.int
import com.github.ajalt.clikt.parameters.types.restrictTo
import kumiko.cli.learnedPositions
import kumiko.cli.refuse
import kumiko.runtime.graph.Graph

/** How much of a text a model sees at once. */
internal class ContextOptions : OptionGroup() {
    private val context by option("--context", metavar = "N").int().restrictTo(min = 1)
        .help("ids that a model sees at once (default: its learned positions, or a text of up to $WHOLE ids whole)")
    private val stride by option("--stride", metavar = "N").int().restrictTo(min = 1)
        .help("ids from the beginning of one window to the next (default: the context, so that windows do not overlap)")

    /** Context and stride for models that all read [ids] ids. */
    fun of(ids: Int, vararg graphs: Graph): Pair<Int, Int> {
        val learned = graphs.mapNotNull { graph -> graph.learnedPositions()?.let { graph to it } }.minByOrNull { it.second }
        val chosen = context ?: learned?.second ?: ids.takeIf { it <= WHOLE } ?: refuse(
            "The text has $ids ids, and ${graphs.first().name()} has no learned positions that would bound what it sees: " +
                "say with --context how many at once.",
        )
        if (learned != null && chosen > learned.second) {
            refuse("--context $chosen is more than the ${learned.second} learned positions of ${learned.first.name()}.")
        }
        val step = stride ?: chosen
        if (step > chosen) refuse("--stride $step would leave out ids between windows of $chosen; it is at most the context.")
        return chosen to step
    }

    private companion object {
        const val WHOLE = 2048
    }
}
