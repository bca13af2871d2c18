package kumiko.cli.parity

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.cli.Exit
import kumiko.cli.Reference
import kumiko.cli.kumiko

/** The shipped models against what the original implementations compute, through the command line. */
class ReferenceParitySpec : FunSpec({
    val sets = listOf(
        "gpt2-hf",
        "gpt2-rasbt",
        "gpt-nano-sort",
        "llama-hf",
        "llama-hf-bf16",
        "llama-hf-fp16",
        "llama31-hf",
        "llama-meta",
        "llama-meta-bf16",
        "llama-meta-2shard",
        "llama3-meta-2shard",
        "stories260k-hf",
        "stories260k-meta",
        "neox-hf",
        "neox-hf-sequential",
        "neox-20b-shards",
        "neox-sort-shards",
    )

    fun compare(set: String, vararg options: String) {
        val folder = Reference.folder(set).toString()
        val ran = kumiko("parity", folder, folder, *options, width = 160)
        withClue("${ran.out}\n${ran.err}") { ran.code shouldBe Exit.GOOD }
    }

    for (set in sets) {
        test("$set: every tensor is within its tolerance and every greedy token equal").config(enabledOrReasonIf = Reference.present) {
            compare(set)
        }

        test("$set in float64: every tensor is within a tenth of its tolerance").config(enabledOrReasonIf = Reference.present) {
            compare(set, "--float64")
        }
    }
})
