package kumiko.runtime.machine

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.atomic.AtomicInteger
import kotlin.concurrent.thread

/** `rwxp` of the pages that hold an address, or null where nothing is mapped. */
private fun permissions(address: Long): String? = Files.readAllLines(Path.of("/proc/self/maps"))
    .map { it.split(' ') }
    .firstOrNull { (range) ->
        val (from, to) = range.split('-').map { it.toULong(16) }
        address.toULong() in from..<to
    }
    ?.get(1)

private const val RETURN = 0xc3.toByte()

class CodePagesSpec : FunSpec({
    val linux = Processor.current().system() == Processor.LINUX

    test("code can be executed once it is there, and nobody can write it any more").config(enabled = linux) {
        Arena.ofConfined().use { arena ->
            val pages = CodePages(arena)
            val routines = List(3) { pages.install(Assembler::ret) }
            for (routine in routines) {
                routine.call(1, 2, 3, 4, 5, 6)
                routines.map { permissions(it.entry().address()) }.toSet() shouldBe setOf("r-xp")
            }
        }
    }

    test("code is made when it is called for the first time, and once").config(enabled = linux) {
        Arena.ofShared().use { arena ->
            val made = AtomicInteger()
            val routine = CodePages(arena).install {
                made.incrementAndGet()
                it.ret()
            }
            made.get() shouldBe 0
            List(8) { thread { routine.call(0, 0, 0, 0, 0, 0) } }.forEach { it.join() }
            made.get() shouldBe 1
        }
    }

    test("code of many pages finds room, and so does what comes after it").config(enabled = linux) {
        Arena.ofConfined().use { arena ->
            val pages = CodePages(arena)
            val sizes = listOf(1, 4096, 4097, 1 shl 20, (1 shl 20) + 1, 3)
            val routines = sizes.map { size -> pages.install { it.put(*ByteArray(size) { RETURN }) } }
            routines.forEach { it.call(0, 0, 0, 0, 0, 0) }
            routines.zip(sizes) { routine, size ->
                val last = routine.entry().address() + size - 1
                permissions(last) shouldBe "r-xp"
            }
            routines.map { it.entry().address() }.toSet().size shouldBe sizes.size
        }
    }

    test("memory that holds no code yet is writable and not executable, and goes back to the system with its arena").config(
        enabled = linux,
    ) {
        val address = SystemCalls.map(4096)
        permissions(address) shouldBe "rw-p"
        SystemCalls.makeExecutable(address, 4096)
        permissions(address) shouldBe "r-xp"
        SystemCalls.unmap(address, 4096)
        permissions(address) shouldBe null
        val arena = Arena.ofConfined()
        val routine = CodePages(arena).install(Assembler::ret)
        permissions(routine.entry().address()) shouldBe "r-xp"
        arena.close()
        permissions(routine.entry().address()) shouldBe null
    }

    test("what the system refuses is told with its number for the reason").config(enabled = linux) {
        val refused = runCatching { SystemCalls.makeExecutable(MemorySegment.NULL.address(), 4096) }.exceptionOrNull()
        refused!!.message shouldBe "mprotect(PROT_READ | PROT_EXEC) was refused with error 12"
        runCatching { SystemCalls.map(0) }.exceptionOrNull()!!.message!! shouldStartWith "mmap was refused"
        val flags = Processor.current().flags()
        if ("amx_tile" !in flags) {
            runCatching { SystemCalls.requestTiles() }.exceptionOrNull()!!.message!! shouldContain "arch_prctl(ARCH_REQ_XCOMP_PERM)"
        }
    }
})
