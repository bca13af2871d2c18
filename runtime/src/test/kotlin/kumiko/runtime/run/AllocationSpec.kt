package kumiko.runtime.run

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import kumiko.runtime.graph.Mask
import kumiko.runtime.machine.MachineCode
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.TimeUnit

private const val PAGE = 4096
private val statistics = Path.of("/proc/self/statm")

private fun residentBytes() = Files.readString(statistics).split(' ')[1].toLong() * PAGE

/** The last line that [main] prints; `off` in front of its arguments turns machine code off. */
private fun decodeInOwnJvm(arguments: List<String>): String {
    val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
    val flags =
        listOf("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"))
    val machine = if (arguments.first() == "off") listOf("-D${MachineCode.PROPERTY}=off") else emptyList()
    val command = listOf(java) + flags + machine + "kumiko.runtime.run.DecodeAllocationKt" + (arguments - "off")
    val process = ProcessBuilder(command).redirectErrorStream(true).start()
    return try {
        process.inputStream.bufferedReader().readText().trim().lines().last()
    } finally {
        process.waitFor(1, TimeUnit.MINUTES)
        process.destroyForcibly()
    }
}

private val cases = listOf(
    "scalar f32 2",
    "scalar int8:6.0 2",
    "vector f32 2",
    "vector int8:6.0 8",
    "vector q4_0 8",
    "vector q8_0 1",
    "bf16 bf16 8",
    "bf16 q4_0 8",
    "off vector f32 1",
    "off vector f32 8",
    "off vector q4_0 8",
    "off vector int8:6.0 8",
)

class AllocationSpec : FunSpec({
    for (case in cases) {
        test("decoding settles at no allocation on any thread: kernels, weights and sequences are $case") {
            decodeInOwnJvm(case.split(' ')) shouldBe "0"
        }
    }

    test("a cache takes room only as far as it is filled").config(enabled = Files.exists(statistics)) {
        val model = randomModel(3) {
            it.copy(heads = 8, kvHeads = 8, headDim = 16, layers = 2, mask = Mask.Causal(), blocks = false, learned = false)
        }
        model.compile().use { program ->
            val before = residentBytes()
            program.open(8, 250_000).use { session ->
                session.prefill(5, 1, 2, 3)
                residentBytes() - before shouldBeLessThan (200L shl 20)
            }
        }
    }
})
