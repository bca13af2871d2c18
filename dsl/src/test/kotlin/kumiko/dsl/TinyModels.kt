package kumiko.dsl

import kumiko.dsl.spec.*
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Pairing

/** GPT-2's structure, small enough to read. */
val tinyGpt2 = model("tiny-gpt2") {
    val vocab by dim(10)
    val context by dim(16)
    val embed by dim(8)
    val heads by dim(2)
    val headDim by dim(embed / heads)
    val hidden by dim(4 * embed)
    val norm = layerNorm(embed, eps = 1e-5)

    embedding = tokens(vocab, embed) + learnedPositions(context, embed)
    blocks(2) {
        sequentialResidual(
            norm then attention(embed, heads, headDim, bias = Bias.EVERYWHERE),
            norm then mlp(embed, hidden, Activation.GELU_TANH, bias = Bias.EVERYWHERE),
        )
    }
    head = norm then tiedToTokens
}

/** LLaMA's structure, small enough to read. */
val tinyLlama = model("tiny-llama") {
    val vocab by dim(10)
    val embed by dim(16)
    val heads by dim(4)
    val kvHeads by dim(2)
    val headDim by dim(embed / heads)
    val hidden by dim(swigluHidden(embed, multiplier = 1.3, multipleOf = 8))
    val norm = rmsNorm(embed, eps = 1e-5)
    val rope = rotary(dims = headDim, base = 10_000.0, pairing = Pairing.ADJACENT)

    embedding = tokens(vocab, embed)
    blocks(2) {
        sequentialResidual(
            norm then attention(embed, heads, headDim, kvHeads = kvHeads, positions = rope),
            norm then gatedMlp(embed, hidden, Activation.SILU),
        )
    }
    head = norm then linear(embed, vocab)
}
