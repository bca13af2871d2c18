package kumiko.studies

import kumiko.runtime.graph.Graph
import kumiko.runtime.kernel.KernelProvider
import kumiko.runtime.run.NodeValue
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Weights
import kumiko.runtime.tensor.Elements

/**
 * Three looks into a running model, written with the library alone. Nodes go by their canonical names, which `kumiko trace --capture '*'`
 * lists. Each function returns the logits of the last position, `[vocab]`.
 */
public class Interventions(private val graph: Graph, private val weights: Weights) {
    /**
     * Activation patching: what the model says to [corrupted] when [node] has the value that it has for [clean], a prompt of as many
     * tokens. Meng et al. 2022, arXiv:2202.05262.
     */
    public fun patched(node: String, clean: IntArray, corrupted: IntArray): DoubleArray {
        var kept = DoubleArray(0)
        run(listOf(node), clean) { value -> kept = value.elements() }
        return run(listOf(node), corrupted) { value -> kept.forEachIndexed { i, element -> value.set(i.toLong(), element) } }
    }

    /**
     * Ablation: what the model says when one attention head of a block adds nothing. Michel et al. 2019, arXiv:1905.10650.
     *
     * @param headDim columns of a head in `blocks.{i}.attention.mixed`, `[seq, heads*headDim]`
     */
    public fun ablated(block: Int, head: Int, headDim: Int, prompt: IntArray): DoubleArray =
        run(listOf("blocks.$block.attention.mixed"), prompt) { value ->
            val width = value.shape().dim(1)
            for (row in 0..<value.shape().dim(0)) {
                for (column in 0..<headDim) value.set(row * width + head * headDim + column, 0.0)
            }
        }

    /**
     * Logit lens: what the head makes of the rows behind [block], as if the blocks after it did nothing. nostalgebraist 2020, "interpreting
     * GPT: the logit lens".
     */
    public fun lens(block: Int, prompt: IntArray): DoubleArray {
        val last = graph.nodes().map { it.name() }.last { it.matches(Regex("blocks\\.[0-9]+")) }
        var rows = DoubleArray(0)
        return run(listOf("blocks.$block", last), prompt) { value ->
            // The earlier block is computed first, so its rows are there when the last block's are overwritten.
            if (value.node() == "blocks.$block") rows = value.elements()
            rows.forEachIndexed { i, element -> value.set(i.toLong(), element) }
        }
    }

    /** What the model says to a prompt while [editor] sees, and may overwrite, the values of [nodes]. */
    public fun run(nodes: List<String>, prompt: IntArray, editor: (NodeValue) -> Unit): DoubleArray {
        val options = Options.of(KernelProvider.kernels()).replace(*nodes.toTypedArray())
        return Program.compile(graph, weights, options).use { program ->
            program.open(1, prompt.size).use { session ->
                session.onReplace(editor)
                session.prefill(0, *prompt)
                val logits = session.logits(0)
                DoubleArray(program.vocab()) { Elements.get(program.activations(), logits, it.toLong()) }
            }
        }
    }

    private fun NodeValue.elements() = DoubleArray(shape().elements().toInt()) { get(it.toLong()) }
}
