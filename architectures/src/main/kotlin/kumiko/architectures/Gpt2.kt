package kumiko.architectures

import kumiko.dsl.model
import kumiko.dsl.spec.*
import kumiko.runtime.graph.Activation.GELU_TANH

/** GPT-2 124M. Radford et al. 2019; sizes from the config.json of openai-community/gpt2. */
val gpt2 = model("gpt2-124m") {
    val vocab by dim(50_257)
    val context by dim(1_024)
    val embed by dim(768)
    val heads by dim(12)
    val headDim by dim(embed / heads)
    val hidden by dim(4 * embed)
    val norm = layerNorm(embed, eps = 1e-5)
    val attn = norm then attention(embed, heads, headDim, bias = Bias.EVERYWHERE)
    val ffn = norm then mlp(embed, hidden, GELU_TANH, bias = Bias.EVERYWHERE)

    embedding = tokens(vocab, embed) + learnedPositions(context, embed)
    blocks(12) { sequentialResidual(attn, ffn) }
    head = norm then tiedToTokens
}
