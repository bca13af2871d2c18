package kumiko.architectures

import kumiko.dsl.model
import kumiko.dsl.spec.*
import kumiko.runtime.graph.Activation.GELU_TANH
import kumiko.runtime.graph.Pairing.HALVES

/** GPT-NeoX-20B. Black et al. 2022, arXiv:2204.06745; config.json of EleutherAI/gpt-neox-20b: hidden_act gelu_fast is the tanh GELU. */
val gptNeoX20b = model("gpt-neox-20b") {
    val vocab by dim(50_432)
    val embed by dim(6_144)
    val heads by dim(64)
    val headDim by dim(embed / heads)
    val hidden by dim(4 * embed)
    val norm = layerNorm(embed, eps = 1e-5)
    val rope = rotary(dims = headDim / 4, base = 10_000.0, pairing = HALVES)
    val attn = norm then attention(embed, heads, headDim, positions = rope, mask = causal(fill = -10_000.0), bias = Bias.EVERYWHERE)
    val ffn = norm then mlp(embed, hidden, GELU_TANH, bias = Bias.EVERYWHERE)

    embedding = tokens(vocab, embed)
    blocks(44) { parallelResidual(attn, ffn) }
    head = norm then linear(embed, vocab)
}
