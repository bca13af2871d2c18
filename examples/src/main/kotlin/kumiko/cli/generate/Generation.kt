package kumiko.cli.generate

import kumiko.cli.refuse
import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Op
import kumiko.runtime.graph.Source
import kumiko.runtime.graph.Type.Extent
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Sampler
import kumiko.runtime.run.Session
import kumiko.runtime.run.Weights

/** Why a text came to its end. */
internal enum class Ending(val word: String) {
    END_OF_TEXT("end of text"),
    TOKENS("tokens"),
    POSITIONS("positions"),
}

/** Writes on from a prompt, one token at a time, from the key/value cache. */
internal class Generation(private val graph: Graph, private val weights: Weights, private val options: Options) {
    /** Positions the model has learned, or null where positions have no end. */
    private val learned: Int? = graph.nodes().mapNotNull(::learnedPositions).minOrNull()

    /**
     * Up to [tokens] tokens behind [prompt]; [onToken] is given each as it comes. A token of [stops] ends the text and is no part of it.
     */
    fun run(prompt: IntArray, tokens: Int, stops: Set<Int>, sampler: Sampler, onToken: (Int) -> Unit): Ending {
        check(prompt)
        // The last token that is written needs no position of its own.
        val room = if (learned == null) tokens else minOf(tokens, learned - prompt.size + 1)
        return Program.compile(graph, weights, options).use { program ->
            program.open(1, Math.addExact(prompt.size, room)).use { session -> write(session, prompt, room, stops, sampler, onToken) }
                ?: if (room < tokens) Ending.POSITIONS else Ending.TOKENS
        }
    }

    private fun write(session: Session, prompt: IntArray, room: Int, stops: Set<Int>, sampler: Sampler, onToken: (Int) -> Unit): Ending? {
        session.prefill(0, *prompt)
        repeat(room) { step ->
            val next = session.sample(0, sampler)
            if (next in stops) return Ending.END_OF_TEXT
            onToken(next)
            if (step < room - 1) session.decode(0, next)
        }
        return null
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

    private fun learnedPositions(node: kumiko.runtime.graph.Node): Int? {
        if (node.op() !is Op.Embedding) return null
        val input = node.inputs()[1].op() as? Op.Input ?: return null
        if (input.source() !is Source.Position) return null
        return (node.inputs()[0].type().extents().first() as Extent.Size).size().toInt()
    }
}
