package kumiko.cli.parity

import kumiko.cli.refuse
import kumiko.runtime.graph.Graph
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Quantisation
import kumiko.runtime.run.Session
import kumiko.runtime.run.TraceComparison
import kumiko.runtime.run.Weights
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment

/** A model in a form that can be compared. */
internal class ParityModel(
    val name: String,
    val graph: Graph,
    val weights: Weights,
    /** How many of its layers are there; null for all. */
    val part: Int?,
    /** For a node of queries or keys by name: which component of a head each row of the checkpoint's head is; null for the same order. */
    val headOrder: (String) -> IntArray?,
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
    private val nodes = model.graph.nodes().map { it.name() }
    private val places = nodes.withIndex().associate { (place, name) -> name to place }
    private val all = reference.sequences.indices.flatMap(reference::names).distinct()
    private val found = all.filter(::isLoaded).associateWith(::find)

    private fun find(name: String) = ReferenceNames.find(name, places.keys) ?: refuse(
        "${reference.source}: ${model.name} has no node for the tensor \"$name\". A reference for another model, or a name that is in no table.",
    )

    /** What comes after the last loaded block is not what the whole model has there. */
    private fun isLoaded(name: String): Boolean {
        val part = model.part ?: return true
        if ((ReferenceNames.layer(name) ?: 0) >= part) return false
        return places.getOrDefault(ReferenceNames.find(name, places.keys)?.node, 0) <= places.getValue("blocks.${part - 1}")
    }

    fun run(): ParityReport {
        if (found.isEmpty()) refuse("${reference.source}: has no tensor of the first ${model.part} layers, so there is nothing to compare.")
        val (steps, greedy) = (if (model.part == null) decoded() else emptyList()).unzip()
        val worst = (traced() + steps.flatten()).groupBy { it.reference }.values.map { same -> same.maxBy { it.share } }
        return ParityReport(
            model.name,
            reference.source.fileName.toString(),
            options.kernels().describe() + model.weights.quantisation().let { if (it is Quantisation.None) "" else ", weights in $it" },
            reference.sequences.size,
            worst.sortedBy { places[it.node] ?: Int.MAX_VALUE },
            greedy,
            model.part,
            all.size - found.size,
        )
    }

    private fun traced(): List<NodeParity> {
        val wanted = found.values.map { it.node }.distinct().toTypedArray()
        val longest = reference.sequences.maxOf { it.size }
        return Tracer(model.graph, model.weights, options.capture(*wanted), longest).use { tracer ->
            reference.sequences.indices.flatMap { compare(it, tracer) }
        }
    }

    private fun compare(sequence: Int, tracer: Tracer): List<NodeParity> = Arena.ofConfined().use { arena ->
        val values = tracer.run(reference.sequences[sequence], arena).associateBy { it.node }
        reference.names(sequence).filter(found::containsKey).map { name ->
            compare(sequence, name, values.getValue(found.getValue(name).node))
        }
    }

    private fun compare(sequence: Int, name: String, actual: TracedValue): NodeParity {
        val expected = reference.tensor(sequence, name)
        val place = place(name, expected, actual)
        val comparison = TraceComparison.of(
            expected.shape().elements(),
            { Elements.get(expected.dtype(), expected.data(), it) },
            { actual[place(it)] },
        )
        return NodeParity(actual.node, name, sequence, comparison, tolerances[name])
    }

    /** Where each element of the reference's tensor lies in the node's value. */
    private fun place(name: String, expected: Tensor, actual: TracedValue): (Long) -> Long {
        val shape = List(expected.shape().rank()) { expected.shape().dim(it) }
        val own = List(actual.shape.rank()) { actual.shape.dim(it) }
        val fits = when (found.getValue(name).layout) {
            Layout.SAME -> shape == own
            Layout.HEADS -> shape.size == 3 && listOf(shape[1], shape[0] * shape[2]) == own
        }
        if (!fits) {
            refuse(
                "${reference.source}: \"$name\" is ${expected.shape()}, but ${model.name} computes ${actual.node} ${actual.shape}; is it another model?",
            )
        }
        if (found.getValue(name).layout == Layout.SAME) return { it }
        val (heads, rows, size) = shape
        val order = model.headOrder(actual.node)
        return { index ->
            val (head, row, component) = Triple(index / (rows * size), index / size % rows, index % size)
            row * heads * size + head * size + (order?.get(component.toInt()) ?: component.toInt())
        }
    }

    /** Decodes from the cache, with every pass: what `generate` runs. */
    private fun decoded(): List<Pair<List<NodeParity>, GreedyParity>> {
        val wanted = reference.sequences.indices.mapNotNull { sequence ->
            reference.generated(sequence)?.ifEmpty { null }?.let { sequence to it }
        }
        if (wanted.isEmpty()) return emptyList()
        return Program.compile(model.graph, model.weights, options).use { program ->
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
