@file:JvmName("Embeddings")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.Node

/** Row `id` of a table `[vocab, embed]` for every token. */
@Serializable
@SerialName("tokens")
public data class Tokens(public val vocab: Dim, public val embed: Dim) : Layer {
    override val label: String get() = "tokens"

    override fun parameters(): List<Weight> = listOf(Weight("weight", listOf(vocab, embed)))

    override fun width(input: Width, at: Check): Width {
        if (input.dim != null) at.problem("", "reads token ids, but stands behind other layers", "move it to the front of the embedding")
        return at.width(embed)
    }

    override fun lower(x: Node, at: Lowering): Node = at.graph.embedding(at.result(), at.parameter("weight"), x)
}

/** Row `position` of a learned table `[positions, embed]`: the model cannot read further than [positions] tokens. */
@Serializable
@SerialName("learned-positions")
public data class LearnedPositions(public val positions: Dim, public val embed: Dim) : Layer {
    override val label: String get() = "positions"

    override fun parameters(): List<Weight> = listOf(Weight("weight", listOf(positions, embed)))

    override fun width(input: Width, at: Check): Width {
        if (input.dim != null) at.problem("", "reads positions, but stands behind other layers", "move it to the front of the embedding")
        return at.width(embed)
    }

    override fun lower(x: Node, at: Lowering): Node = at.graph.embedding(at.result(), at.parameter("weight"), at.graph.position(0))
}

/** The output matrix is the token table: `x tokens^T`. Press and Wolf 2017, arXiv:1608.05859. */
@Serializable
@SerialName("tied-to-tokens")
public data object TiedToTokens : Layer {
    override val label: String get() = "linear"

    override fun width(input: Width, at: Check): Width {
        val tokens = at.tokens
        if (tokens == null) {
            at.problem("", "is tied to the token table, but the embedding has none", "write linear(embed, vocab) for a head of its own")
            return input
        }
        at.fits("", tokens.embed, input)
        return at.width(tokens.vocab)
    }

    override fun lower(x: Node, at: Lowering): Node = at.graph.linear(at.result(), x, at.tokenTable(), null)
}

public fun tokens(vocab: Dim, embed: Dim): Tokens = Tokens(vocab, embed)

public fun learnedPositions(positions: Dim, embed: Dim): LearnedPositions = LearnedPositions(positions, embed)

public val tiedToTokens: TiedToTokens get() = TiedToTokens
