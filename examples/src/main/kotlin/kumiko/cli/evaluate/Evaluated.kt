package kumiko.cli.evaluate

import kumiko.cli.refuse
import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Mask
import kumiko.runtime.graph.Op
import kumiko.runtime.graph.Source
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Weights
import java.lang.foreign.MemorySegment

/** A model under measurement: gives the logits of every position of a window. */
internal class Evaluated(graph: Graph, weights: Weights, options: Options, context: Int) : AutoCloseable {
    private val program = Program.compile(graph, weights, options.withChunkRows(ROWS))
    private val session = try {
        program.open(1, context)
    } catch (e: Throwable) {
        program.close()
        throw e
    }

    val name: String = graph.name()
    val vocabulary: Int get() = program.vocab()

    /** Ids of a window that can be given at a time: a prompt that sees itself whole is never cut. */
    val piece: Int = if (graph.seesPromptWhole) context else ROWS

    fun begin() = session.clear(0)

    /** Goes on with [ids]; [sink] gets the index of each in its window, and the logits behind it, valid during the call. */
    fun read(ids: IntArray, sink: (Int, MemorySegment) -> Unit) = session.prefill(0, ids) { position, logits -> sink(position, logits) }

    override fun close() {
        session.close()
        program.close()
    }

    companion object {
        /** Positions computed at once, each with its logits: 32 MB for a vocabulary of 128 thousand. */
        const val ROWS = 64

        /** Whether tokens of a prompt may see those behind them, so that their own probability means nothing. */
        val Graph.seesPromptWhole: Boolean get() = nodes().any {
            ((it.op() as? Op.Input)?.source() as? Source.Visible)?.mask() is Mask.PrefixCausal
        }

        /** Refuses ids that [graph] has no token for, the first by its place. */
        fun requireIds(graph: Graph, ids: IntArray) {
            val vocabulary = graph.output().type().width()
            val at = ids.indexOfFirst { it !in 0..<vocabulary }
            if (at >= 0) {
                refuse("Id $at of the text is ${ids[at]}, outside the vocabulary of ${graph.name()}, which has ids 0 to ${vocabulary - 1}.")
            }
        }
    }
}
