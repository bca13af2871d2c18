@file:JvmName("FeedForwards")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Node

/** `down(f(up(x)))`. Vaswani et al. 2017, section 3.3. */
@Serializable
@SerialName("mlp")
public data class Mlp(
    public val embed: Dim,
    public val hidden: Dim,
    public val activation: Activation,
    public val bias: Bias,
) : Layer {
    override val label: String get() = "ffn"

    override fun parameters(): List<Weight> =
        linearWeights("up", hidden, embed, bias.input) + linearWeights("down", embed, hidden, bias.output)

    override fun width(input: Width, at: Check): Width = if (at.fits("up", embed, input)) at.width(embed, "down") else input

    override fun lower(x: Node, at: Lowering): Node {
        val up = at.linear("up", x) // [seq, hidden]
        val active = at.graph.activate(at.name("activated"), up, activation)
        return at.linear("down", active, at.result("down")) // [seq, embed]
    }
}

/** `down(f(gate(x)) * up(x))`. Shazeer 2020, arXiv:2002.05202; with SILU it is SwiGLU. */
@Serializable
@SerialName("gated-mlp")
public data class GatedMlp(
    public val embed: Dim,
    public val hidden: Dim,
    public val activation: Activation,
    public val bias: Bias,
) : Layer {
    override val label: String get() = "ffn"

    override fun parameters(): List<Weight> = linearWeights("gate", hidden, embed, bias.input) +
        linearWeights("up", hidden, embed, bias.input) + linearWeights("down", embed, hidden, bias.output)

    override fun width(input: Width, at: Check): Width = if (at.fits("gate", embed, input)) at.width(embed, "down") else input

    override fun lower(x: Node, at: Lowering): Node {
        val gate = at.graph.activate(at.name("activated"), at.linear("gate", x), activation) // [seq, hidden]
        val gated = at.graph.multiply(at.name("gated"), gate, at.linear("up", x))
        return at.linear("down", gated, at.result("down")) // [seq, embed]
    }
}

public fun mlp(embed: Dim, hidden: Dim, activation: Activation, bias: Bias = Bias.NOWHERE): Mlp = Mlp(embed, hidden, activation, bias)

public fun gatedMlp(embed: Dim, hidden: Dim, activation: Activation, bias: Bias = Bias.NOWHERE): GatedMlp =
    GatedMlp(embed, hidden, activation, bias)
