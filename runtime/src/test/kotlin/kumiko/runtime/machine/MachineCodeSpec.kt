package kumiko.runtime.machine

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import java.lang.foreign.Arena
import java.nio.file.Files
import java.nio.file.Path

private val AVX = setOf("avx512f", "avx512bw", "bmi2", "avx512_bf16")
private val AVX2 = setOf("avx2", "fma", "f16c", "bmi2")
private val AMX = AVX + setOf("amx_tile", "amx_bf16")

/** Products in ordinary Java under the tiles' name; the real ones would end the process where the processor has none. */
private class Named(product: PanelProduct) : PanelProduct by product {
    override fun instructions() = "amx_bf16"
}

private val right = MachineCodeChoice.TileMaker { _, _ -> Named(ScalarProduct) }

private fun choose(
    wanted: String? = null,
    flags: Set<String> = AMX,
    system: String = Processor.LINUX,
    tiles: MachineCodeChoice.TileMaker = right,
) = Arena.ofConfined().use {
    MachineCodeChoice.choose(wanted, Processor(system, "GenuineIntel", 6, flags), tiles, it)
}

/** The products of bf16. */
private fun describe(
    wanted: String? = null,
    flags: Set<String> = AMX,
    system: String = Processor.LINUX,
    tiles: MachineCodeChoice.TileMaker = right,
) = choose(wanted, flags, system, tiles).pairs().describe()

class MachineCodeSpec : FunSpec({
    val linux = Processor.current().system() == Processor.LINUX

    test("the processor's tiles are used where it has them, otherwise its pairs").config(enabled = linux) {
        describe() shouldBe "by amx_bf16"
        describe(flags = AVX) shouldBe "by avx512_bf16"
        describe(flags = AMX - "amx_bf16") shouldBe "by avx512_bf16"
        describe(flags = AMX - "amx_tile") shouldBe "by avx512_bf16"
    }

    test("tiles are not used when told so").config(enabled = linux) {
        describe("avx512") shouldBe "by avx512_bf16, because -Dkumiko.machine=avx512"
        describe("avx512", AVX) shouldBe "by avx512_bf16"
    }

    test("products in float32 need less of the processor than those of bf16").config(enabled = linux) {
        choose(flags = AVX - "avx512_bf16").floats().describe() shouldBe "by avx512"
        choose(flags = AVX - "bmi2").floats().describe() shouldBe "by the vector kernels, because this processor has no bmi2"
    }

    test("without AVX-512 products in float32 are by AVX2, and there are none of bf16").config(enabled = linux) {
        choose(flags = AVX2).floats().describe() shouldBe "by avx2"
        describe(flags = AVX2) shouldBe "by the vector kernels, because this processor has no avx512bw"
        choose(flags = AVX2 - "f16c").floats().describe() shouldBe "by the vector kernels, because this processor has no f16c"
        choose("avx2", AVX + AVX2).floats().describe() shouldBe "by avx2, because -Dkumiko.machine=avx2"
        describe("avx2", AVX + AVX2) shouldBe "by the vector kernels, because -Dkumiko.machine=avx2"
    }

    test("machine code is off when told so") {
        describe("off") shouldBe "by the vector kernels, because -Dkumiko.machine=off"
        choose("off").floats().describe() shouldBe "by the vector kernels, because -Dkumiko.machine=off"
    }

    test("a processor without the instructions is told with the one it lacks") {
        describe(flags = AVX - "avx512_bf16") shouldBe "by the vector kernels, because this processor has no avx512_bf16"
        describe(flags = emptySet()) shouldBe "by the vector kernels, because this processor has no avx2"
        describe(flags = AMX - "avx512_bf16") shouldBe "by the vector kernels, because this processor has no avx512_bf16"
    }

    test("another system is told by its name") {
        describe(system = "Mac OS X aarch64") shouldBe
            "by the vector kernels, because machine code is written for Linux amd64, and this is Mac OS X aarch64"
    }

    test("tiles that the system refuses are not used, and pairs serve").config(enabled = linux) {
        val refused = choose(tiles = { _, _ -> throw SystemCalls.Refused("arch_prctl(ARCH_REQ_XCOMP_PERM)", 1) }).pairs()
        refused.describe() shouldBe "by avx512_bf16, because arch_prctl(ARCH_REQ_XCOMP_PERM) was refused with error 1"
        refused.orNull().product().instructions() shouldBe "avx512_bf16"
    }

    test("tiles that compute something else than they must are not used, and pairs serve").config(enabled = linux) {
        val wrong = choose(tiles = { _, _ -> Named(SpoiledProduct(row = 32, lane = 47)) }).pairs()
        wrong.describe() shouldBe "by avx512_bf16, because amx_bf16 gave a wrong product when it was tried"
        wrong.orNull().product().instructions() shouldBe "avx512_bf16"
    }

    test("any other value of the property is refused") {
        for (value in listOf("avx", "amx", "")) {
            shouldThrow<SystemPropertyException> { describe(value) }.message shouldBe
                "-Dkumiko.machine=$value: choose avx512, avx2 or off, or leave it away for all that the processor has"
        }
    }

    test("a processor is the first in the system's list, and nothing is known of it where there is no list") {
        val folder = Files.createTempDirectory("flags")
        val file = folder.resolve("cpuinfo")
        try {
            Files.writeString(
                file,
                """
                processor	: 0
                vendor_id	: AuthenticAMD
                cpu family	: 25
                flags		: fpu avx512bw avx512_bf16

                processor	: 1
                flags		: fpu
                """.trimIndent(),
            )
            Processor.of(Processor.LINUX, file) shouldBe
                Processor(Processor.LINUX, "AuthenticAMD", 25, setOf("fpu", "avx512bw", "avx512_bf16"))
            Files.writeString(file, "processor\t: 0\n")
            val unknown = Processor(Processor.LINUX, "", 0, emptySet())
            Processor.of(Processor.LINUX, file) shouldBe unknown
            Files.writeString(file, "cpu family\t: of nobles\n")
            Processor.of(Processor.LINUX, file) shouldBe unknown
            Processor.of(Processor.LINUX, Path.of("$folder/absent")) shouldBe unknown
        } finally {
            folder.toFile().deleteRecursively()
        }
    }

    test("how memory is asked ahead depends on the processor's maker, family and cache for instructions") {
        fun ahead(vendor: String, family: Int, instructions: Int, flag: String = "avx512bw") =
            Ahead.of(Processor(Processor.LINUX, vendor, family, setOf(flag)), NearestCaches(48 shl 10, instructions shl 10))
        ahead("AuthenticAMD", 26, 32) shouldBe Ahead.ONCE
        ahead("AuthenticAMD", 25, 32) shouldBe Ahead.GAPS
        ahead("GenuineIntel", 6, 32) shouldBe Ahead.TWICE
        ahead("GenuineIntel", 6, 64) shouldBe Ahead.CLOSE
        ahead("GenuineIntel", 6, 0) shouldBe Ahead.TWICE
        ahead("AuthenticAMD", 25, 32, "avx2") shouldBe Ahead.STRAIGHT
        ahead("", 0, 0, "fpu") shouldBe Ahead.STRAIGHT
    }

    test("whole rows are asked ahead of rows with gaps; of rows and tiles in line it depends on who asks") {
        Ahead.GAPS.rowBytes(DType.BF16, 2048, 4096) shouldBe 0
        Ahead.GAPS.rowBytes(DType.BF16, 2048, 6000) shouldBe 12_000
        Ahead.ONCE.rowBytes(DType.BF16, 8192, 16_384) shouldBe 4096
        Ahead.ONCE.rowBytes(DType.BF16, 8192, 20_000) shouldBe 20_000
        Ahead.TWICE.rowBytes(DType.BF16, 8192, 16_384) shouldBe 16_384
        Ahead.CLOSE.rowBytes(DType.BF16, 8192, 16_384) shouldBe 3072
        Ahead.CLOSE.rowBytes(DType.BF16, 8192, 20_000) shouldBe 20_000
        Ahead.GAPS.tileBytes(1) shouldBe 0
        Ahead.GAPS.tileBytes(4) shouldBe Ahead.ONCE.tileBytes(1)
    }

    test("one row of activations leaves a third of the nearest cache to what passes by") {
        Ahead.TWICE.activationBytes(48 shl 10) shouldBe (32 shl 10)
        Ahead.TWICE.activationBytes(32 shl 10) shouldBe (16 shl 10)
        Ahead.GAPS.activationBytes(32 shl 10) shouldBe (16 shl 10)
    }

    test("eight rows of a piece of float32 leave a third of the nearest cache to what passes by") {
        for ((kibibytes, columns) in listOf(32 to 512, 47 to 512, 48 to 1024, 64 to 1024)) {
            EightCode.Singles.mostColumns(kibibytes shl 10) shouldBe columns
        }
    }
})
