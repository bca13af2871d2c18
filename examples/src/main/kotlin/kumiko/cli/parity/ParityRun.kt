package kumiko.cli.parity

import kumiko.cli.refuse
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Quantisation
import kumiko.runtime.run.Session
import kumiko.runtime.run.TraceComparison
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment

/**
 * A model to compare.
 *
 * @property part how many of its layers are there; null for all
 * @property alternatives what else its files could mean, for finding out why a node is off
 */
internal class ParityModel(
    val name: String,
    val variant: Variant,
    val part: Int?,
    val alternatives: (Inside) -> List<Alternative>,
)

/**
 * Compares a model with a reference, tensor by tensor and token by token.
 */
internal class ParityRun(
    private val model: ParityModel,
    private val reference: ReferenceSet,
    private val options: Options,
    private val tolerances: Tolerances,
) {
    private val graph = model.variant.graph
    private val nodes = ReferenceNodes(reference, model.name, graph.nodes().map { it.name() }, model.part)
    private val quantisation = model.variant.weights.quantisation()

    fun run(): ParityReport {
        if (nodes.all.isEmpty()) {
            refuse(
                "${reference.source}: has no tensor of the first ${model.part} layers, so there is nothing to compare.",
            )
        }
        val (steps, greedy) = (if (model.part == null) decoded() else emptyList()).unzip()
        val all = traced() + steps.flatten()
        val worst = all.groupBy { it.reference }.values.map { same -> same.maxBy { it.share } }.sortedBy { nodes.place(it.node) }
        return ParityReport(
            model.name,
            reference.source.fileName.toString(),
            options.kernels().describe() + quantisation.let { if (it is Quantisation.None) "" else ", weights in $it" },
            reference.sequences.size,
            worst,
            greedy,
            model.part,
            nodes.leftOut,
            worst.firstOrNull { !it.good && it.node in nodes.all && quantisation is Quantisation.None }
                ?.let { first -> diagnose(all.filter { it.reference == first.reference }) },
        )
    }

    /** In the longest of the sequences in which the node is off: a single token says nothing about positions and masks. */
    private fun diagnose(same: List<NodeParity>): Diagnosis {
        val sequence = same.filter { !it.good }.maxBy { reference.sequences[it.sequence].size }.sequence
        return Diagnoser(model, NodeSteps(reference, nodes, sequence, options), sequence).diagnose(same.first().node)
    }

    private fun traced(): List<NodeParity> {
        val longest = reference.sequences.maxOf { it.size }
        return Tracer(graph, model.variant.weights, options.capture(*nodes.all.toTypedArray()), longest).use { tracer ->
            reference.sequences.indices.flatMap { compare(it, tracer) }
        }
    }

    private fun compare(sequence: Int, tracer: Tracer): List<NodeParity> = Arena.ofConfined().use { arena ->
        val values = tracer.run(reference.sequences[sequence], arena).associateBy { it.node }
        nodes.of(sequence).values.map { name -> compare(sequence, name, values.getValue(nodes.node(name))) }
    }

    private fun compare(sequence: Int, name: String, actual: TracedValue): NodeParity {
        val expected = reference.tensor(sequence, name)
        val place = nodes.place(name, expected, actual.shape, model.variant.headOrder(actual.node))
        val comparison = TraceComparison.of(expected.shape().elements(), nodes.element(expected)) { actual[place(it)] }
        return NodeParity(actual.node, name, sequence, comparison, tolerances[name])
    }

    /** Decodes from the cache, with every pass: what `generate` runs. */
    private fun decoded(): List<Pair<List<NodeParity>, GreedyParity>> {
        val wanted = reference.sequences.indices.mapNotNull { sequence ->
            reference.generated(sequence)?.ifEmpty { null }?.let { sequence to it }
        }
        if (wanted.isEmpty()) return emptyList()
        return Program.compile(graph, model.variant.weights, options).use { program ->
            wanted.map { (sequence, expected) ->
                program.open(1, reference.sequences[sequence].size + expected.size).use { decoded(it, sequence, expected) }
            }
        }
    }

    private fun decoded(session: Session, sequence: Int, expected: List<Int>): Pair<List<NodeParity>, GreedyParity> {
        val chosen = ArrayList<Int>()
        val compared = ArrayList<NodeParity>()
        var margin = Double.POSITIVE_INFINITY
        session.prefill(0, *reference.sequences[sequence])
        while (true) {
            val logits = values(session.logits(0), session.program().activations(), session.program().vocab())
            val best = logits.indices.maxBy { logits[it] }
            margin = minOf(margin, logits.indices.minOf { if (it == best) margin else logits[best] - logits[it] })
            compared += listOfNotNull(generatedLogits(sequence, chosen.size, logits))
            chosen += best
            if (chosen.size == expected.size || best != expected[chosen.size - 1]) break
            session.decode(0, best)
        }
        return compared to GreedyParity(sequence, expected, chosen, margin)
    }

    private fun generatedLogits(sequence: Int, step: Int, logits: DoubleArray): NodeParity? {
        val expected = reference.generatedLogits(sequence) ?: return null
        val from = step.toLong() * logits.size
        val comparison = TraceComparison.of(
            logits.size.toLong(),
            { Elements.get(expected.dtype(), expected.data(), from + it) },
            { logits[it.toInt()] },
        )
        return NodeParity("logits, decoding", "generated_logits", sequence, comparison, tolerances.decoding)
    }

    private fun values(data: MemorySegment, dtype: DType, count: Int) = DoubleArray(count) { Elements.get(dtype, data, it.toLong()) }
}
