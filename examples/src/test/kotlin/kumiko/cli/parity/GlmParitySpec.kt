package kumiko.cli.parity

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.cli.Exit
import kumiko.cli.Reference
import kumiko.cli.kumiko
import kumiko.cli.loadModel
import kumiko.cli.options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Sampler
import kumiko.runtime.run.Session

/** ChatGLM against its original code, and a batch against its sequences alone. */
class GlmParitySpec : FunSpec({
    for (set in listOf("chatglm-6b", "chatglm-6b-ptuning")) {
        for (options in listOf(emptyList(), listOf("--float64"))) {
            test("$set ${options.joinToString("")}: every tensor is within its tolerance and every greedy token equal")
                .config(enabledOrReasonIf = Reference.present) {
                    val folder = Reference.folder(set).toString()
                    val ran = kumiko("parity", folder, folder, *options.toTypedArray(), width = 160)
                    withClue("${ran.out}\n${ran.err}") { ran.code shouldBe Exit.GOOD }
                }
        }

        test(
            "$set: prompts of different lengths written together get the tokens they get alone",
        ).config(enabledOrReasonIf = Reference.present) {
            ReferenceSet.open(Reference.folder(set)).use { reference ->
                loadModel(Reference.folder(set)).use { model ->
                    Program.compile(model.graph, model.weights, options(1)).use { program ->
                        program.open(reference.sequences.size, 64).use { together(it, reference) }
                    }
                }
            }
        }
    }
})

/** Greedy continuations of all sequences of a set in one batch. */
private fun together(session: Session, reference: ReferenceSet) {
    val greedy = Sampler.greedy()
    session.prefill(reference.sequences.toTypedArray())
    val expected = reference.sequences.indices.map { reference.generated(it)!! }
    for (step in expected.first().indices) {
        val next = IntArray(session.slots()) { session.sample(it, greedy) }
        withClue("step $step") { next.toList() shouldBe expected.map { it[step] } }
        if (step < expected.first().lastIndex) session.decode(next)
    }
}
