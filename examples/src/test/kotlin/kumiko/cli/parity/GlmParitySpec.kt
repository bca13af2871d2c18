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

    test("a trained GPT-NeoX in two shards sorts all 729 inputs").config(enabledOrReasonIf = Reference.present) {
        loadModel(Reference.folder("neox-sort-shards")).use { model ->
            Program.compile(model.graph, model.weights, options(1)).use { program ->
                program.open(SORTED, 2 * LETTERS).use { session -> (0 until INPUTS / SORTED).forEach { sort(session, it * SORTED) } }
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

/** Sorts the inputs from number [first] on, one in each slot. */
private fun sort(session: Session, first: Int) {
    val inputs = List(session.slots()) { slot -> generateSequence(first + slot) { it / 3 }.map { it % 3 }.take(LETTERS).toList() }
    inputs.indices.forEach(session::clear)
    session.prefill(inputs.map { it.toIntArray() }.toTypedArray())
    val written = inputs.map { ArrayList<Int>() }
    repeat(LETTERS) {
        val next = IntArray(inputs.size) { session.sample(it, Sampler.greedy()) }
        next.forEachIndexed { slot, token -> written[slot] += token }
        if (it < LETTERS - 1) session.decode(next)
    }
    written shouldBe inputs.map { it.sorted() }
}

private const val LETTERS = 6
private const val INPUTS = 729
private const val SORTED = 81
