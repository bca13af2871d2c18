package kumiko.cli.generate

import kumiko.cli.learnedPositions
import kumiko.cli.refuse
import kumiko.runtime.graph.Graph
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Sampler
import kumiko.runtime.run.Session
import kumiko.runtime.run.Weights
import java.nio.file.Path

/** Why a text came to its end. */
internal enum class Ending(val word: String) {
    END_OF_TEXT("end of text"),
    TOKENS("tokens"),
    POSITIONS("positions"),
}

/** Why a text ended, and whether its session was written to a file that was named. */
internal data class Outcome(val ending: Ending, val isSaved: Boolean)

/** Writes on from a prompt, one token at a time, from the key/value cache. */
internal class Generation(private val graph: Graph, private val weights: Weights, private val options: Options) {
    private val learned: Int? = graph.learnedPositions()

    /**
     * Up to [tokens] tokens behind [beginning]; [onToken] is given each as it comes. A token of [stops] ends the text and is no part of it.
     * The session at the end is written to [save], where one is named and the model has a position for another token.
     */
    fun run(beginning: Beginning, tokens: Int, stops: Set<Int>, sampler: Sampler, save: Path?, onToken: (Int) -> Unit): Outcome {
        if (beginning is Beginning.Prompt) check(beginning.ids)
        val size = beginning.ids.size
        // The last token that is written needs no position of its own. Whether a saved session fits the model is seen when it is restored.
        val room = if (learned == null) tokens else minOf(tokens, maxOf(1, learned - size + 1))
        return Program.compile(graph, weights, options).use { program ->
            program.open(1, minOf(Int.MAX_VALUE.toLong(), size.toLong() + room).toInt()).use { session ->
                val writing = Writing(session, beginning, sampler.skip(beginning.chosen), onToken)
                val stopped = writing.write(room, stops)
                val ending = if (stopped) {
                    Ending.END_OF_TEXT
                } else if (room < tokens) {
                    Ending.POSITIONS
                } else {
                    Ending.TOKENS
                }
                Outcome(ending, save != null && writing.save(save))
            }
        }
    }

    private inner class Writing(
        private val session: Session,
        private val beginning: Beginning,
        private val sampler: Sampler,
        private val onToken: (Int) -> Unit,
    ) {
        private val written = ArrayList<Int>()

        /** Whether the text came to its end. */
        fun write(room: Int, stops: Set<Int>): Boolean {
            begin()
            repeat(room) { step ->
                val next = session.sample(0, sampler)
                if (next in stops) return true
                onToken(next)
                written += next
                if (step < room - 1) session.decode(0, next)
            }
            return false
        }

        private fun begin() = when (beginning) {
            is Beginning.Prompt -> session.prefill(0, *beginning.ids)
            is Beginning.Saved -> session.restore(beginning.file)
        }

        /** The last token is computed too, so that the next run begins with its logits. */
        fun save(file: Path): Boolean {
            val ids = beginning.ids.toList() + written
            if (session.length(0) < ids.size) {
                if (session.length(0) == learned) return false
                session.decode(0, ids.last())
            }
            session.save(file, Beginning.notes(ids, beginning.chosen + written.size, beginning.isText))
            return true
        }
    }

    private fun check(prompt: IntArray) {
        if (prompt.isEmpty()) {
            refuse(
                "The prompt is empty, and ${graph.name()} cannot begin a text from nothing. Give it at least one token.",
            )
        }
        if (learned != null && prompt.size > learned) {
            refuse("The prompt has ${prompt.size} tokens, but ${graph.name()} has $learned learned positions. Shorten the prompt.")
        }
        val vocabulary = graph.output().type().width()
        prompt.firstOrNull { it !in 0..<vocabulary }?.let { id ->
            refuse("Token id $id is outside the vocabulary of ${graph.name()}, which has ids 0 to ${vocabulary - 1}.")
        }
    }
}
