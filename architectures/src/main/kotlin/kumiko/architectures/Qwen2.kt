package kumiko.architectures

import kumiko.dsl.model
import kumiko.dsl.spec.*
import kumiko.runtime.graph.Activation.SILU
import kumiko.runtime.graph.Pairing.HALVES

/** Qwen2 7B. Yang et al. 2024, arXiv:2407.10671; sizes from the config.json of Qwen/Qwen2-7B. LLaMA with a bias on query, key and value. */
val qwen2_7b = model("qwen2-7b") {
    val vocab by dim(152_064)
    val embed by dim(3_584)
    val heads by dim(28)
    val kvHeads by dim(4)
    val headDim by dim(embed / heads)
    val hidden by dim(18_944)
    val norm = rmsNorm(embed, eps = 1e-6)
    val rope = rotary(dims = headDim, base = 1_000_000.0, pairing = HALVES)
    val attn = norm then attention(embed, heads, headDim, kvHeads = kvHeads, positions = rope, bias = Bias.INPUT)
    val ffn = norm then gatedMlp(embed, hidden, SILU)

    embedding = tokens(vocab, embed)
    blocks(28) { sequentialResidual(attn, ffn) }
    head = norm then linear(embed, vocab)
}
