package kumiko.runtime.machine

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.comparables.shouldBeGreaterThanOrEqualTo
import io.kotest.matchers.shouldBe
import java.lang.foreign.Arena

private const val DATA = 1
private const val INSTRUCTIONS = 2
private const val BOTH = 3

/** EAX, EBX and ECX for one with lines of 64 bytes. */
private fun cache(type: Int, level: Int, ways: Int, sets: Int) = intArrayOf(level shl 5 or type, (ways - 1) shl 22 or 63, sets - 1, 0)

private val none = IntArray(4)

private class Answers(private val answer: (leaf: Int, part: Int) -> IntArray) : NearestCaches.Cpuid {
    private fun both(lower: Int, upper: Int) = upper.toLong() shl Int.SIZE_BITS or lower.toUInt().toLong()

    override fun first(leaf: Int, part: Int) = answer(leaf, part).let { (eax, ebx) -> both(eax, ebx) }

    override fun second(leaf: Int, part: Int) = answer(leaf, part).let { (_, _, ecx, edx) -> both(ecx, edx) }
}

/** One whose last basic leaf is [last]; behind it and behind its last extended one it says something else. */
private fun intel(last: Int, vararg caches: IntArray) = Answers { leaf, part ->
    when {
        leaf == 0 -> intArrayOf(last, 0, 0, 0)
        leaf == Int.MIN_VALUE -> intArrayOf(Int.MIN_VALUE + 4, 0, 0, 0)
        leaf == 4 && last >= 4 -> caches.getOrElse(part) { none }
        else -> cache(DATA, 1, 99, 99)
    }
}

private fun amd(data: Int, instructions: Int) = Answers { leaf, _ ->
    when (leaf) {
        0 -> intArrayOf(0x10, 0, 0, 0)
        Int.MIN_VALUE -> intArrayOf(Int.MIN_VALUE + 0x21, 0, 0, 0)
        Int.MIN_VALUE + 5 -> intArrayOf(-1, -1, data, instructions)
        else -> none
    }
}

class NearestCachesSpec : FunSpec({
    test("a processor of Intel tells of all its caches in turn, one of AMD of the nearest at once") {
        NearestCaches.of(
            intel(0x20, cache(DATA, 1, 12, 64), cache(INSTRUCTIONS, 1, 16, 64), cache(BOTH, 2, 16, 2048), cache(DATA, 3, 8, 8)),
        ) shouldBe
            NearestCaches(48 shl 10, 64 shl 10)
        NearestCaches.of(amd(0x300c0140, 0x20080140)) shouldBe NearestCaches(48 shl 10, 32 shl 10)
    }

    test("of a processor that does not tell the least is taken, and one that never comes to an end is heard for a while") {
        val unknown = NearestCaches(32 shl 10, 0)
        NearestCaches.of(intel(0x20)) shouldBe unknown
        NearestCaches.of(intel(2, cache(DATA, 1, 12, 64))) shouldBe unknown
        NearestCaches.of(amd(0, 0)) shouldBe unknown
        NearestCaches.of(intel(4, *Array(100) { cache(DATA, 1, 12, 64) })) shouldBe NearestCaches(48 shl 10, 0)
    }

    test("this processor can be asked").config(enabled = Processor.current().system() == Processor.LINUX) {
        val here = Arena.ofConfined().use { NearestCaches.ofProcess(CodePages(it)) }
        here.data() shouldBeGreaterThanOrEqualTo NearestCaches.LEAST_DATA
        here.data() % 4096 shouldBe 0
        here.instructions() % 4096 shouldBe 0
    }
})
