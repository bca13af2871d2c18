@file:JvmName("Linears")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Node

/** `x W^T + b`, W `[output, input]`. */
@Serializable
@SerialName("linear")
public data class Linear(public val input: Dim, public val output: Dim, public val bias: Bias) : Layer {
    override val label: String get() = "linear"

    override fun parameters(): List<Weight> = linearWeights("", output, input, bias == Bias.EVERYWHERE)

    override fun width(input: Width, at: Check): Width {
        at.fits("", this.input, input)
        if (bias == Bias.INPUT || bias == Bias.OUTPUT) {
            at.problem("", "bias is $bias, but there is one linear map", "write Bias.EVERYWHERE or Bias.NOWHERE")
        }
        return at.width(output)
    }

    override fun lower(x: Node, at: Lowering): Node = at.linear("", x)
}

public fun linear(input: Dim, output: Dim, bias: Bias = Bias.NOWHERE): Linear = Linear(input, output, bias)

/** `f(x)`, element-wise. */
@Serializable
@SerialName("activation")
public data class Activate(public val function: Activation) : Layer {
    override val label: String get() = "activation"

    override fun width(input: Width, at: Check): Width = input

    override fun lower(x: Node, at: Lowering): Node = at.graph.activate(at.result(), x, function)
}

public fun activation(function: Activation): Activate = Activate(function)
