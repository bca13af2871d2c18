package kumiko.cli.observe

import com.github.ajalt.mordant.terminal.Terminal
import kumiko.cli.LoadedModel
import kumiko.cli.Progress
import kumiko.cli.parity.TracedValue
import kumiko.cli.parity.Tracer
import kumiko.runtime.graph.Op
import kumiko.runtime.run.Options
import java.lang.foreign.Arena

/** Runs checkpoints on one sequence and looks at what they compute. Values live in an arena until they are compared. */
internal class Observer(
    private val models: List<LoadedModel>,
    private val names: List<String>,
    private val ids: IntArray,
    private val options: Options,
) {
    private val view = AttentionView(models.map { it.graph }, ids.size)

    fun observe(words: TokenWords, terminal: Terminal): Observed = Arena.ofConfined().use { arena ->
        Progress(terminal, "running").use { progress ->
            val looks = models.indices.map { index -> look(index, arena).also { progress.at(index + 1L, models.size + 1L, names[index]) } }
            val next = looks.map { NextTokens(it.logits) }
            val runs = models.indices.map { run(it, looks[it], next[it]) }
            val pair = if (models.size == 2) pair(runs, looks.map { it.stream }, next, arena) else null
            Observed(ids.toList(), words, runs, pair, view.leftOut)
        }
    }

    private fun run(index: Int, look: Look, next: NextTokens): ModelRun {
        val norms = look.stream.associate { value -> value.node to PositionRows(value, ids.size).let { ids.indices.map(it::norm) } }
        return ModelRun(names[index], norms, look.attention, ids.indices.map { next.top(it, TOP) })
    }

    private class Look(val stream: List<TracedValue>, val attention: List<AttentionMap>, val logits: TracedValue)

    private fun look(index: Int, arena: Arena): Look {
        val stream = models[index].stream()
        val attention = view.nodes(index).toSet()
        val (values, maps) = ArrayList<TracedValue>() to ArrayList<AttentionMap>()
        trace(index, stream + attention + LOGITS) { tracer ->
            tracer.run(ids) { if (it.node() in attention) maps += view.keep(it) else values += TracedValue.copy(it, arena) }
        }
        return Look(values.filter { it.node != LOGITS }, maps, values.single { it.node == LOGITS })
    }

    private fun pair(runs: List<ModelRun>, streams: List<List<TracedValue>>, next: List<NextTokens>, arena: Arena): RunPair {
        val stream = distances(streams[0], streams[1])
        val (a, b) = runs.map { it.next }
        return RunPair(
            stream,
            ids.indices.map { next[0].apart(next[1], it) },
            parting(stream, arena),
            ids.indices.firstOrNull { a[it].first().id != b[it].first().id },
        )
    }

    /** Where the stream parts, the values inside that block are looked at, too: only of one block, as all would be large. */
    private fun parting(stream: Map<String, List<Double>>, arena: Arena): Parting? {
        val rough = Parting.first(stream)
        val values = models.indices.map { index ->
            val nodes = models[index].graph.nodes().filter { it.op() !is Op.Input && !it.type().isFixed }.map { it.name() }
            val looked = nodes.filter { if (rough == null) it.isBehindBlocks() else it == rough.node || it.startsWith("${rough.node}.") }
            var traced = emptyList<TracedValue>()
            trace(index, looked) { traced = it.run(ids, arena) }
            traced
        }
        return Parting.first(distances(values[0], values[1])) ?: rough
    }

    /** In the first model's order, of the nodes that both have in one shape. */
    private fun distances(a: List<TracedValue>, b: List<TracedValue>): Map<String, List<Double>> {
        val other = b.associateBy { it.node }
        return a.mapNotNull { value -> other[value.node]?.let { distances(value, it, ids.size) }?.let { value.node to it } }.toMap()
    }

    private fun trace(index: Int, patterns: Collection<String>, look: (Tracer) -> Unit) {
        val model = models[index]
        Tracer(model.graph, model.weights, options.capture(*patterns.toTypedArray()), ids.size).use(look)
    }

    private fun LoadedModel.stream(): List<String> = listOf("embedding") + (0..<spec.layers).map { "blocks.$it" }

    private fun String.isBehindBlocks() = this == LOGITS || startsWith("head.")

    private companion object {
        const val LOGITS = "logits"

        /** Next tokens that are listed for a position. */
        const val TOP = 10
    }
}
