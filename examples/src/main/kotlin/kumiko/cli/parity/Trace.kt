package kumiko.cli.parity

import kumiko.runtime.graph.Graph
import kumiko.runtime.run.NodeValue
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Weights
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Shape
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment

/** One node's value for a whole sequence, off the heap. */
internal class TracedValue(val node: String, val shape: Shape, private val dtype: DType, val data: MemorySegment) {
    operator fun get(index: Long): Double = Elements.get(dtype, data, index)

    /** The same in float32, for files. */
    fun float32(arena: Arena): MemorySegment {
        if (dtype == DType.F32) return data
        val narrow = arena.allocate(DType.F32.bytes(shape.elements()), DType.F32.blockBytes().toLong())
        for (i in 0..<shape.elements()) Elements.set(DType.F32, narrow, i, get(i))
        return narrow
    }

    companion object {
        private const val ALIGNMENT = 64L

        /** A value that lives as long as [arena]. */
        fun copy(value: NodeValue, arena: Arena): TracedValue {
            val copy = arena.allocate(value.data().byteSize(), ALIGNMENT)
            return TracedValue(value.node(), value.shape(), value.dtype(), copy.copyFrom(value.data()))
        }
    }
}

/** Runs sequences one at a time, in one piece each, and keeps the values of chosen nodes in the order they are computed. */
internal class Tracer(graph: Graph, weights: Weights, options: Options, longest: Int) : AutoCloseable {
    // In pieces the score matrices of a prompt would come in pieces too.
    private val program = Program.compile(graph, weights, options.withChunkRows(maxOf(longest, 1)))
    private val session = program.open(1, maxOf(longest, 1))

    /** The values live in [arena]; [editor] may change those that the options let it, before anybody reads them. */
    fun run(ids: IntArray, arena: Arena, editor: ((NodeValue) -> Unit)? = null): List<TracedValue> {
        val values = ArrayList<TracedValue>()
        session.onReplace(editor)
        run(ids) { values += TracedValue.copy(it, arena) }
        return values
    }

    /** Hands out each value as it is computed; it is valid during the call only. */
    fun run(ids: IntArray, listener: (NodeValue) -> Unit) {
        session.onCapture(listener)
        session.clear(0)
        session.prefill(0, *ids)
    }

    override fun close() {
        session.close()
        program.close()
    }
}
