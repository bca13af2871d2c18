package kumiko.architectures

import kumiko.dsl.spec.*
import kumiko.runtime.graph.Activation.GELU

// Further releases and variants, each written as what it changes in its family's spec.

/** GPT-2 with an output matrix of its own and no bias on query, key and value, as Raschka's "Build a Large Language Model" trains it. */
val gpt2Untied = gpt2.copy(name = "gpt2-124m-untied")
    .replace<TiedToTokens> { linear(gpt2.dim("embed"), gpt2.dim("vocab")) }
    .replace<Attention> { it.copy(bias = Bias.OUTPUT) }

/** LLaMA 7B. Touvron et al. 2023, arXiv:2302.13971; params.json: norm_eps 1e-6, multiple_of 256. */
val llama7b = llama3_8b.copy(name = "llama-7b")
    .withDims("vocab" to 32_000, "kvHeads" to 32, "hidden" to 11_008)
    .replace<Norm> { rmsNorm(it.dim, eps = 1e-6) }
    .withRotary { it.copy(base = 10_000.0) }

/** Llama 3.2 1B. Meta 2024; config.json of meta-llama/Llama-3.2-1B. */
val llama32_1b = llama3_8b.copy(name = "llama3.2-1b")
    .shrunk(layers = 16, "embed" to 2_048, "hidden" to 8_192)
    .replace<Linear> { tiedToTokens }
    .withRotary { it.copy(scaling = RotaryScaling.Llama3(factor = 32.0, low = 1.0, high = 4.0, context = 8_192.0)) }

/** Pythia 160M. Biderman et al. 2023, arXiv:2304.01373; config.json of EleutherAI/pythia-160m. */
val pythia160m = gptNeoX20b.copy(name = "pythia-160m")
    .shrunk(layers = 12, "vocab" to 50_304, "embed" to 768, "heads" to 12)
    .replace<Mlp> { it.copy(activation = GELU) }

private fun ModelSpec.withRotary(change: (PositionCode.Rotary) -> PositionCode) =
    replace<Attention> { it.copy(positions = change(it.positions as PositionCode.Rotary)) }
