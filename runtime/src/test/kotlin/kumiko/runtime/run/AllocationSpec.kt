package kumiko.runtime.run

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import kumiko.runtime.graph.Mask
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.TimeUnit

private const val PAGE = 4096
private val statistics = Path.of("/proc/self/statm")

private fun residentBytes() = Files.readString(statistics).split(' ')[1].toLong() * PAGE

/** With scalar kernels: whether vectors stay in registers is the compiler's choice, which it makes anew in every process. */
private fun decodeInOwnJvm(quantisation: String): String {
    val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
    val flags =
        listOf("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"))
    val process = ProcessBuilder(listOf(java) + flags + listOf("kumiko.runtime.run.DecodeAllocationKt", "scalar", quantisation)).start()
    return try {
        process.inputStream.bufferedReader().readText().trim()
    } finally {
        process.waitFor(1, TimeUnit.MINUTES)
        process.destroyForcibly()
    }
}

class AllocationSpec : FunSpec({
    for (quantisation in listOf("none", "int8:6.0")) {
        test("decoding settles at no allocation on any thread, quantisation $quantisation") {
            decodeInOwnJvm(quantisation) shouldBe "0"
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
