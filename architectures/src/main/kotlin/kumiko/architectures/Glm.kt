package kumiko.architectures

import kumiko.dsl.model
import kumiko.dsl.spec.*
import kumiko.runtime.graph.*

/** ChatGLM-6B. Du et al. 2022, arXiv:2103.10360; THUDM/chatglm-6b with 130,528 tokens, whose code fixes alpha at 28 layers. */
val chatGlm6b = model("chatglm-6b") {
    val vocab by dim(130_528)
    val embed by dim(4_096)
    val heads by dim(32)
    val headDim by dim(embed / heads)
    val hidden by dim(4 * embed)
    val norm = layerNorm(embed, eps = 1e-5)
    val rope = rotary2d(dims = headDim / 2, base = 10_000.0, pairing = Pairing.HALVES, rounding = Frequencies.Rounding.F16)
    val ffn = mlp(embed, hidden, Activation.GELU_TANH, bias = Bias.EVERYWHERE)
    positions = blockPositions(blank = 130_000, generation = 130_001, start = 130_004)
    embedding = tokens(vocab, embed)
    blocks(28) {
        val scale = stabilised(by = layer + 1)
        val attn = attention(embed, heads, headDim, positions = rope, mask = prefixCausal(-10_000.0), scale = scale, bias = Bias.EVERYWHERE)
        glmResidual(alpha = Math.sqrt(2.0 * 28))(norm then attn, norm then ffn)
    }
    head = norm then tiedToTokens
}
