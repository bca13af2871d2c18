package kumiko.cli.bench

import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.GraphBuilder
import kumiko.runtime.graph.Positions
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Weights
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Matrix
import java.lang.foreign.Arena

/**
 * A model of linear layers only, so that what is measured is what models run: the same phases, threads, parts and kernels. All
 * [LinearCase.copies] layers read the same activations, and each adds to the sum of those before it, as the last layer of a feed-forward
 * adds to the residual stream.
 */
internal class LinearProgram(private val case: LinearCase, matrices: List<Matrix>, options: Options) : AutoCloseable {
    private val arena = Arena.ofShared()
    private val program: Program
    private val session: AutoCloseable
    private val call: () -> Unit

    init {
        val own = MadeMatrices(DType.F32, arena)
        val weights = matrices.take(case.copies).withIndex().associate { (i, matrix) -> layer(i) to matrix } +
            mapOf(TABLE to own.make(case.rows, case.size.inputs), HEAD to own.make(1, case.size.outputs))
        program = Program.compile(graph(case), Weights { weights[it] }, options.withChunkRows(case.rows))
        // A sequence for each row: behind the last attention, of which there is none, a longer one would be computed for its last row.
        val opened = program.open(case.rows, 1)
        val prompts = Array(case.rows) { intArrayOf(it) }
        session = opened
        call = {
            prompts.indices.forEach(opened::clear)
            opened.prefill(prompts)
        }
    }

    /** See [kumiko.runtime.kernel.Kernels.bf16Products]. */
    val bf16Products: Int = options.kernels().bf16Products(matrices.first(), case.rows)

    /** Multiplies by every copy once. */
    fun run() = call()

    override fun close() {
        session.close()
        program.close()
        arena.close()
    }

    companion object {
        private const val TABLE = "embedding.tokens.weight"
        private const val HEAD = "head.linear.weight"

        fun graph(case: LinearCase): Graph = GraphBuilder("linear layers").run {
            val (inputs, outputs) = case.size.inputs.toLong() to case.size.outputs.toLong()
            val x = embedding("embedding.tokens", parameter(TABLE, case.rows.toLong(), inputs), tokens())
            fun product(i: Int) = linear("layers.$i", x, parameter(layer(i), outputs, inputs), null)
            val sum = (1..<case.copies).fold(product(0)) { sum, i -> add("sums.$i", 1.0, product(i), sum) }
            build(linear("head.linear", sum, parameter(HEAD, 1, outputs), null), Positions.Sequential())
        }

        private fun layer(i: Int) = "layers.$i.weight"
    }
}
