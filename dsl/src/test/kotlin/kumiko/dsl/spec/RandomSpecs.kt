package kumiko.dsl.spec

import io.kotest.property.Arb
import io.kotest.property.RandomSource
import io.kotest.property.arbitrary.arbitrary
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Frequencies
import kumiko.runtime.graph.Pairing
import kotlin.random.Random

/** Small models of every shape the language can say: they fit, print, compile and run in a moment. */
fun Arb.Companion.specs(): Arb<ModelSpec> = arbitrary { source: RandomSource -> RandomSpec(source.random).model() }

/** One model, built from [random] alone. */
private class RandomSpec(private val random: Random) {
    private val perHead = Dim.of("perHead", 2 * random.nextInt(2, 5))
    private val heads = Dim.of("heads", random.nextInt(1, 4) * 2)
    private val embed = Dim.of("embed", heads * perHead)
    private val headDim = Dim.of("headDim", embed / heads)
    private val kvHeads = Dim.of("kvHeads", pick(heads, heads / 2, Dim.of(1)))
    private val hidden = Dim.of("hidden", pick(4 * embed, embed + 3, swigluHidden(embed, 1.3, 8), (embed - 1) * 2))
    private val vocab = Dim.of("vocab", random.nextInt(5, 40))
    private val context = Dim.of("context", 64)
    private val positions = pick(SequentialPositions, blockPositions(blank = 1, generation = 2, start = 3))

    fun model(): ModelSpec {
        val tokens = tokens(vocab, embed)
        val embedding = pick(tokens, tokens + learnedPositions(context, embed), tokens then norm())
        val output = pick(tiedToTokens, linear(embed, vocab), linear(embed, vocab, Bias.EVERYWHERE))
        val rows = rows()
        return ModelSpec("random-${random.nextInt(1_000)}", positions, embedding, rows, pick(norm() then output, output), prefix(rows))
    }

    /** Every block has one attention. */
    private fun prefix(rows: List<Blocks>): Layer? {
        val columns = 2 * rows.sumOf { it.count } * kvHeads * headDim
        val length = Dim.of("prefixLength", random.nextInt(1, 9))
        val projected = prefixRows(
            length,
            embed,
        ) then activation(Activation.TANH) then linear(embed, columns, pick(Bias.NOWHERE, Bias.EVERYWHERE))
        return pick(null, null, prefixRows(length, columns), projected)
    }

    private fun rows(): List<Blocks> = List(random.nextInt(1, 3)) { Blocks(random.nextInt(1, 4), List(random.nextInt(1, 3)) { block() }) }

    private fun block(): Layer {
        val (attn, ffn) = attention() to feedForward()
        val wired = when (random.nextInt(8)) {
            0 -> parallelResidual(norm() then attn, norm() then ffn)
            1 -> glmResidual(expression())(norm() then attn, norm() then ffn)
            2 -> postNorm(attn then norm(), ffn then norm())
            3 -> scaledResidual(expression())(norm() then attn, ffn)
            4 -> gatedResidual(linear(embed, embed) then activation(Activation.SILU))(attn, norm() then ffn)
            5 -> residual(norm() then sum(attn, ffn))
            6 -> sequentialResidual(parallelResidual(attn, norm() then ffn), (norm() then feedForward()).named("second"))
            else -> sequentialResidual(norm() then attn then norm(), norm() then ffn)
        }
        return wired
    }

    private fun attention(): Layer {
        val mask = pick(causal(), causal(fill = -10_000.0), windowed(3), if (positions is BlockPositions) prefixCausal() else causal())
        val scale = pick(ScoreScale.InverseSqrt, fixedScale(0.25), stabilised(LayerExpr.Layer + 1))
        val queryNorm = pick(null, rmsNorm(heads * headDim, eps = 1e-6))
        return attention(embed, heads, headDim, kvHeads, pick(null, heads * headDim), code(), mask, scale, bias(), queryNorm)
    }

    private fun code(): PositionCode {
        val scaling = pick(RotaryScaling.None, RotaryScaling.Linear(2.0), RotaryScaling.Llama3(8.0, 1.0, 4.0, 64.0))
        val axes = rotary2d(Dim.of(2), 10_000.0, Pairing.ADJACENT, Frequencies.Rounding.F16)
        return pick(
            PositionCode.None,
            rotary(headDim, 10_000.0, pick(Pairing.HALVES, Pairing.ADJACENT), scaling),
            if (positions is BlockPositions) axes else rotary(Dim.of(2), 500.0, Pairing.HALVES),
        )
    }

    private fun feedForward(): Layer {
        val function = Activation.entries.random(random)
        return pick(
            mlp(embed, hidden, function, bias()),
            gatedMlp(embed, hidden, function, bias()),
            (linear(embed, hidden).named("into") then activation(function) then linear(hidden, embed).named("back")).named("ffn"),
        )
    }

    private fun norm(): Norm = pick(
        layerNorm(embed, 1e-5),
        layerNorm(embed, 1e-5, Affine.WEIGHT),
        rmsNorm(embed, 1e-6, 1.0),
        rmsNorm(embed, 1e-6, 0.0, Affine.NONE),
    )

    private fun bias(): Bias = Bias.entries.random(random)

    private fun expression(): LayerExpr = pick(
        LayerExpr.of(1.5),
        sqrt(2.0 * LayerExpr.Count),
        (LayerExpr.Layer + 1) / 2.0,
        LayerExpr.Layer * -0.5 + 1,
    )

    private fun <T> pick(vararg choices: T): T = choices[random.nextInt(choices.size)]
}
