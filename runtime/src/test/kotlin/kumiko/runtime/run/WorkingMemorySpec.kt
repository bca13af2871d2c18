package kumiko.runtime.run

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout

class WorkingMemorySpec : FunSpec({
    test("a prompt writes as many bytes of working memory as the plan says, with and without passes") {
        checkAll(60, models, Arb.int(1, 9)) { model, length ->
            for (options in listOf(options(), options().withPasses(setOf()))) {
                model.compile(options).use { program ->
                    val prompt = model.prompt(length, 0)
                    program.open(1, prompt.size).use { session ->
                        session.workingMemory().forEach { it.fill(MARK) }
                        session.prefill(0, *prompt)
                        val keys = prompt.size + program.limits().prefix()
                        withClue("$model, ${prompt.size} tokens") {
                            session.workingMemory().sumOf { it.written() } shouldBe
                                WorkingMemory.bytes(program.graph(), prompt.size.toLong(), keys.toLong())
                        }
                    }
                }
            }
        }
    }
})

/** No value of these graphs is this number in every byte. */
private const val MARK = 0x5a.toByte()

/** Bytes up to the last number that is not the mark any more. */
private fun MemorySegment.written(): Long {
    val mark = MARK.toInt().let { it or (it shl 8) or (it shl 16) or (it shl 24) }
    val last = (byteSize() / 4 - 1 downTo 0).firstOrNull { getAtIndex(ValueLayout.JAVA_INT, it) != mark } ?: return 0
    return 4 * (last + 1)
}
