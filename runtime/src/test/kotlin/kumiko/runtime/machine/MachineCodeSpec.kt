package kumiko.runtime.machine

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import java.lang.foreign.Arena
import java.nio.file.Files
import java.nio.file.Path

private val AVX = setOf("avx512f", "avx512bw", "bmi2", "avx512_bf16")
private val AMX = AVX + setOf("amx_tile", "amx_bf16")

private fun choose(
    wanted: String? = null,
    flags: Set<String> = AMX,
    system: String = Processor.LINUX,
    tiles: MachineCodeChoice.TileRequest = MachineCodeChoice.TileRequest {},
) = Arena.ofConfined().use { MachineCodeChoice.choose(wanted, Processor(system, flags), tiles, it) }

/** The products of bf16. */
private fun describe(
    wanted: String? = null,
    flags: Set<String> = AMX,
    system: String = Processor.LINUX,
    tiles: MachineCodeChoice.TileRequest = MachineCodeChoice.TileRequest {},
) = choose(wanted, flags, system, tiles).pairs().describe()

class MachineCodeSpec : FunSpec({
    val linux = Processor.current().system() == Processor.LINUX

    test("the processor's pairs are used where it has them, its tiles where they are asked for too").config(enabled = linux) {
        describe() shouldBe "by avx512_bf16"
        describe(flags = AVX) shouldBe "by avx512_bf16"
        describe("amx") shouldBe "by amx_bf16"
    }

    test("products in float32 need less of the processor than those of bf16").config(enabled = linux) {
        choose(flags = AVX - "avx512_bf16").floats().describe() shouldBe "by avx512"
        choose(flags = AVX - "bmi2").floats().describe() shouldBe "by the vector kernels, because this processor has no bmi2"
        choose(flags = setOf("avx2", "bmi2")).floats().describe() shouldBe "by the vector kernels, because this processor has no avx512bw"
    }

    test("machine code is off when told so") {
        describe("off") shouldBe "by the vector kernels, because -Dkumiko.machine=off"
        choose("off").floats().describe() shouldBe "by the vector kernels, because -Dkumiko.machine=off"
    }

    test("a processor without the instructions is told with the one it lacks") {
        describe(flags = AVX - "avx512_bf16") shouldBe "by the vector kernels, because this processor has no avx512_bf16"
        describe(flags = emptySet()) shouldBe "by the vector kernels, because this processor has no avx512bw"
        describe("amx", AVX) shouldBe "by the vector kernels, because this processor has no amx_tile"
        describe("amx", AMX - "amx_bf16") shouldBe "by the vector kernels, because this processor has no amx_bf16"
    }

    test("another system is told by its name") {
        describe(system = "Mac OS X aarch64") shouldBe
            "by the vector kernels, because machine code is written for Linux amd64, and this is Mac OS X aarch64"
    }

    test("tiles that the system refuses are not used").config(enabled = linux) {
        describe("amx", tiles = { throw SystemCalls.Refused("arch_prctl(ARCH_REQ_XCOMP_PERM)", 1) }) shouldBe
            "by the vector kernels, because arch_prctl(ARCH_REQ_XCOMP_PERM) was refused with error 1"
    }

    test("any other value of the property is refused") {
        shouldThrow<IllegalArgumentException> { describe("avx") }.message shouldBe
            "-Dkumiko.machine=avx: choose off or amx, or leave it away for what the processor has"
    }

    test("flags are those of the first processor in the system's list, and none where there is no list") {
        val folder = Files.createTempDirectory("flags")
        val file = folder.resolve("cpuinfo")
        try {
            Files.writeString(file, "processor\t: 0\nflags\t\t: fpu avx512_bf16 amx_tile\n\nprocessor\t: 1\nflags\t\t: fpu\n")
            Processor.flags(file) shouldBe setOf("fpu", "avx512_bf16", "amx_tile")
            Files.writeString(file, "processor\t: 0\n")
            Processor.flags(file) shouldBe emptySet()
            Processor.flags(Path.of("$folder/absent")) shouldBe emptySet()
        } finally {
            Files.deleteIfExists(file)
            Files.delete(folder)
        }
    }
})
