package kumiko.cli.card

import kumiko.cli.LoadedModel
import kumiko.cli.learnedPositions
import kumiko.dsl.spec.BlockPositions
import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Session
import kumiko.runtime.tensor.Elements
import kotlin.math.abs
import kotlin.math.max

/** The most likely continuations of prompts, decoded from the cache, and how fast that went. */
internal class Continuations(private val model: LoadedModel, private val options: Options) {
    class Result(val cards: List<GreedyCard>, val prefillTokensPerSecond: Double, val decodeTokensPerSecond: Double)

    private class Clock {
        var tokens = 0
        var nanos = 0L

        fun time(count: Int, work: () -> Unit) {
            val start = System.nanoTime()
            work()
            nanos += System.nanoTime() - start
            tokens += count
        }

        val perSecond: Double get() = if (nanos == 0L) 0.0 else tokens * NANOS / nanos
    }

    private val prefill = Clock()
    private val decode = Clock()

    fun run(prompts: List<IntArray>): Result = Program.compile(model.graph, model.weights, options).use { program ->
        val longest = prompts.maxOf { it.size } + TOKENS
        val cards = program.open(1, longest).use { session -> prompts.map { GreedyCard(it.toList(), continuation(session, it)) } }
        Result(cards, prefill.perSecond, decode.perSecond)
    }

    private fun continuation(session: Session, prompt: IntArray): List<Int> {
        val room = minOf(TOKENS, (model.graph.learnedPositions() ?: Int.MAX_VALUE) - prompt.size)
        val tokens = ArrayList<Int>()
        session.clear(0)
        prefill.time(prompt.size) { session.prefill(0, *prompt) }
        while (tokens.size < room) {
            val next = clear(session) ?: break
            tokens += next
            if (tokens.size < room) decode.time(1) { session.decode(0, next) }
        }
        return tokens
    }

    /** The best token; null where the second is so near that another order of summation may turn them. */
    private fun clear(session: Session): Int? {
        val program = session.program()
        val logits = DoubleArray(program.vocab()) { Elements.get(program.activations(), session.logits(0), it.toLong()) }
        val best = logits.indices.maxBy { logits[it] }
        val second = logits.indices.filter { it != best }.maxOfOrNull { logits[it] } ?: return best
        return best.takeIf { logits[best] - second > NEAR * max(1.0, abs(logits[best])) }
    }

    companion object {
        const val TOKENS = 16

        /** A hundred times what float32 rounding moves the logits of the reference models by. */
        private const val NEAR = 1e-3
        private const val NANOS = 1e9

        /** For a model without a reference: its first tokens, with the marks that positions may count from. */
        fun prompt(spec: ModelSpec): IntArray {
            val first = (1..<minOf(FIRST, spec.tokens?.vocab?.size ?: 1)).toList().ifEmpty { listOf(0) }
            val marks = (spec.positions as? BlockPositions)?.let { listOf(it.generation, it.start) }.orEmpty()
            return (first + marks).toIntArray()
        }

        private const val FIRST = 5
    }
}
