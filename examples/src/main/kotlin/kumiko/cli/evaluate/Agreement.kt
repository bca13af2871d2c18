package kumiko.cli.evaluate

import kumiko.cli.refuse
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import kotlin.math.abs

/** A position where two models hold different ids for the most probable: behind id [position] of the text. */
internal data class Parting(val position: Int, val first: Int, val second: Int)

/**
 * How far two models agree on what comes next, at every position of a text.
 *
 * @property equal positions where both hold the same id for the most probable
 * @property divergence mean of KL(first || second), in nats
 * @property largestDivergence the largest, at position [divergesMost]
 * @property largestDifference of two logits of the same id
 * @property parting the first position where the most probable ids differ, or null
 */
internal data class Agreement(
    val positions: Int,
    val equal: Int,
    val divergence: Double,
    val largestDivergence: Double,
    val divergesMost: Int,
    val largestDifference: Double,
    val parting: Parting?,
) {
    val share: Double get() = equal.toDouble() / positions
}

/** Reads a text with two models side by side, a piece of a window at a time. */
internal class Comparing(private val first: Evaluated, private val second: Evaluated, private val ids: IntArray) {
    private val piece = maxOf(first.piece, second.piece)
    private var positions = 0
    private var equal = 0
    private var divergence = 0.0
    private var largestDivergence = 0.0
    private var divergesMost = 0
    private var largestDifference = 0.0
    private var parting: Parting? = null

    init {
        if (first.vocabulary != second.vocabulary) {
            refuse(
                "${first.name} has a vocabulary of ${first.vocabulary} ids, ${second.name} one of ${second.vocabulary}: " +
                    "their predictions cannot be compared. Agreement is between models of one vocabulary.",
            )
        }
    }

    /** @param progress is given how many ids are done */
    fun run(windows: List<Window>, progress: (Int) -> Unit = {}): Agreement = Arena.ofConfined().use { arena ->
        val rowBytes = Float.SIZE_BYTES * first.vocabulary.toLong()
        val kept = arena.allocate(rowBytes * minOf(piece, windows.maxOf { it.end - it.from }), Float.SIZE_BYTES.toLong())
        for (window in windows) {
            first.begin()
            second.begin()
            for (from in window.from..<window.end step piece) {
                val part = ids.copyOfRange(from, minOf(window.end, from + piece))
                val start = from - window.from
                first.read(part) { index, logits -> kept.asSlice((index - start) * rowBytes, rowBytes).copyFrom(logits) }
                second.read(part) { index, logits ->
                    if (window.from + index >= window.new) {
                        compare(window.from + index, kept.asSlice((index - start) * rowBytes, rowBytes), logits)
                    }
                }
                progress(from + part.size)
            }
        }
        Agreement(positions, equal, divergence / positions, largestDivergence, divergesMost, largestDifference, parting)
    }

    private fun compare(position: Int, left: MemorySegment, right: MemorySegment) {
        val (a, b) = Distribution(left) to Distribution(right)
        positions++
        if (a.top == b.top) equal++ else parting = parting ?: Parting(position, a.top, b.top)
        val apart = a.divergence(b)
        divergence += apart
        if (apart > largestDivergence) {
            largestDivergence = apart
            divergesMost = position
        }
        for (i in 0..<a.size) largestDifference = maxOf(largestDifference, abs(a[i].toDouble() - b[i]))
    }
}
