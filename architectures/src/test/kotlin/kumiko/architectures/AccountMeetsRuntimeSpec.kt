package kumiko.architectures

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.compare.Account
import kumiko.dsl.compile.compile
import kumiko.dsl.mapping.CheckpointModel
import kumiko.runtime.kernel.KernelProvider
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import java.nio.file.Files
import java.nio.file.Path

/** What the account says from the spec alone is what loading and running really take. Needs the reference checkpoints. */
class AccountMeetsRuntimeSpec : FunSpec({
    val reference: Path? = System.getProperty("kumiko.reference")?.let(Path::of)?.takeIf(Files::isDirectory)

    for (set in listOf("gpt2-hf", "llama-hf", "llama-hf-bf16", "llama3-meta-2shard", "neox-hf", "chatglm-6b")) {
        test("weights and cache of $set take the bytes of the account").config(enabled = reference != null) {
            CheckpointModel.open(reference!!.resolve(set), Maps).use { model ->
                val account = Account.of(model.spec)
                model.load().use { weights ->
                    val dtype = weights.parameters.values.map { it.dtype() }.distinct().single()
                    val loaded = weights.parameters.values.sumOf { it.dtype().bytes(it.rows().toLong() * it.columns()) }
                    withClue("weights as $dtype") { loaded shouldBe account.weightBytes(dtype) }
                    Program.compile(model.spec.compile(), weights, Options.of(KernelProvider.kernels())).use { program ->
                        for ((slots, capacity) in listOf(1 to 16, 3 to 7)) {
                            program.open(slots, capacity).use { session ->
                                withClue("$slots slots of $capacity") {
                                    session.cacheBytes() shouldBe slots * capacity * account.cacheBytesPerToken(program.activations())
                                }
                            }
                        }
                    }
                }
            }
        }
    }
})
