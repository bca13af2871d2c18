package kumiko.runtime.machine

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.nio.file.Files
import java.nio.file.Path

private const val MANY = 8L shl 20

/** What the system notes of the pages around an address; `hg` stands for large ones that were asked for. */
private fun flags(memory: MemorySegment): String {
    var isHere = false
    for (line in Files.readAllLines(Path.of("/proc/self/smaps"))) {
        val range = Regex("([0-9a-f]+)-([0-9a-f]+) .*").matchEntire(line)
        if (range != null) {
            val (from, to) = range.destructured
            val inside = memory.address() + memory.byteSize() / 2
            isHere = inside >= from.toULong(16).toLong() && inside < to.toULong(16).toLong()
        } else if (isHere && line.startsWith("VmFlags:")) {
            return line
        }
    }
    error("no mapping holds the memory")
}

class LazyMemorySpec : FunSpec({
    val hasLargePages = Files.exists(Path.of("/sys/kernel/mm/transparent_hugepage"))

    test("memory is as large as asked for, begins at a multiple of 64 and reads as zero") {
        Arena.ofConfined().use { arena ->
            for (bytes in listOf(1L, 100L, HugePages.BYTES / 2 + 1, MANY)) {
                for (memory in listOf(LazyMemory.allocate(arena, bytes, "a test"), LazyMemory.allocateHuge(arena, bytes, "a test"))) {
                    memory.byteSize() shouldBe bytes
                    memory.address() % 64 shouldBe 0
                    memory.mismatch(arena.allocate(bytes)) shouldBe -1
                }
            }
        }
    }

    test("memory of half a large page or more begins at one and asks for more of them").config(enabled = hasLargePages) {
        Arena.ofConfined().use { arena ->
            for (bytes in listOf(HugePages.BYTES / 2, MANY)) {
                val memory = LazyMemory.allocateHuge(arena, bytes, "a test")
                memory.address() % HugePages.BYTES shouldBe 0
                flags(memory) shouldContain " hg"
            }
        }
    }

    test("memory without a whole large page is left as it is") {
        Arena.ofConfined().use { arena ->
            HugePages.ask(MemorySegment.NULL)
            HugePages.ask(arena.allocate(100))
        }
    }

    test("so much memory that the system refuses it is told by what it is for") {
        Arena.ofConfined().use { arena ->
            val most = 1L shl 60
            shouldThrow<IllegalArgumentException> { LazyMemory.allocateHuge(arena, most, "a test") }.message shouldBe
                "a test would take ${most shr 20} MiB, which the system refuses: free memory, or open fewer slots or a smaller capacity"
        }
    }
})
