package kumiko.architectures

import kumiko.dsl.model
import kumiko.dsl.spec.*
import kumiko.runtime.graph.Activation.SILU
import kumiko.runtime.graph.Pairing.ADJACENT

/** LLaMA-3 8B. Meta 2024, arXiv:2407.21783; sizes from the released params.json. */
val llama3_8b = model("llama3-8b") {
    val vocab by dim(128_256)
    val embed by dim(4_096)
    val heads by dim(32)
    val kvHeads by dim(8)
    val headDim by dim(embed / heads)
    val hidden by dim(swigluHidden(embed, multiplier = 1.3, multipleOf = 1_024))
    val norm = rmsNorm(embed, eps = 1e-5)
    val rope = rotary(dims = headDim, base = 500_000.0, pairing = ADJACENT)
    val attn = norm then attention(embed, heads, headDim, kvHeads = kvHeads, positions = rope)
    val ffn = norm then gatedMlp(embed, hidden, SILU)

    embedding = tokens(vocab, embed)
    blocks(32) { sequentialResidual(attn, ffn) }
    head = norm then linear(embed, vocab)
}
