package kumiko.cli.bench

import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Op
import kumiko.runtime.graph.Positions
import kumiko.runtime.graph.Source
import kumiko.runtime.graph.Type.Extent
import java.util.SplittableRandom

/** Token ids without a meaning. */
internal object Prompts {
    /** [count] ids of the vocabulary; at the end the marks that block positions count from. */
    fun ids(graph: Graph, count: Int, seed: Int): IntArray {
        val random = SplittableRandom(seed.toLong())
        val marks = graph.positions() as? Positions.Blocks ?: return IntArray(count) { random.nextInt(vocab(graph)) }
        val known = intArrayOf(marks.blank(), marks.generation(), marks.start())
        val plain = generateSequence { random.nextInt(vocab(graph)) }.filter { it !in known }
        return (plain.take(count - 2).toList() + marks.generation() + marks.start()).toIntArray()
    }

    private fun vocab(graph: Graph): Int = graph.nodes().filter { it.op() is Op.Embedding }
        .first { (it.inputs()[1].op() as? Op.Input)?.source() is Source.Tokens }
        .let { (it.inputs()[0].type().extents().first() as Extent.Size).size().toInt() }
}
