package kumiko.architectures

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.longs.shouldBeLessThan
import io.kotest.matchers.shouldBe
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.mapping.ZeroParameters
import kumiko.runtime.tensor.DType
import java.lang.management.ManagementFactory
import java.nio.file.Files
import java.nio.file.Path

/** A checkpoint of 41 GB that takes no room: zeros, which files leave out. */
class LargeCheckpointSpec : FunSpec({
    val onLinux = Files.exists(STATUS)

    for ((map, shards) in listOf("neox-20b-shards" to 2, "neox-hf" to 1)) {
        test(
            "GPT-NeoX-20B in $map is opened and its weights are there without being read, in a Java heap of 256 MB",
        ).config(enabled = onLinux) {
            val folder = tempdir().toPath().resolve("20b")
            CheckpointExport(Maps[map], gptNeoX20b, shards).write(folder, ZeroParameters(DType.F16), Maps)
            val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
            val process = ProcessBuilder(
                listOf(java, "-Xmx256m", "-XX:+UseSerialGC", "--add-modules", "jdk.incubator.vector") +
                    listOf("-cp", ManagementFactory.getRuntimeMXBean().classPath, "kumiko.architectures.OpenLargeCheckpoint", "$folder"),
            ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
            val words = process.inputStream.bufferedReader().readText().trim().split(" ")
            withClue(words) {
                process.waitFor() shouldBe 0
                words[0].toLong() shouldBe 20_554_567_680
                words[1].toLong() shouldBeLessThan MOST_RESIDENT
            }
        }
    }
})

private val STATUS = Path.of("/proc/self/status")

/** KiB; the program alone takes some 300 MiB. */
private const val MOST_RESIDENT = 1L shl 20

/** Opens a checkpoint and views all its weights, in a program of its own; prints how many elements they have, and its memory at most in KiB. */
internal object OpenLargeCheckpoint {
    @JvmStatic
    fun main(arguments: Array<String>) {
        var elements = 0L
        CheckpointModel.open(Path.of(arguments.single()), Maps).use { model ->
            model.load().use { weights -> elements = weights.parameters.values.sumOf { it.rows().toLong() * it.columns() } }
        }
        val resident = Files.readAllLines(STATUS).single { it.startsWith("VmHWM:") }.filter { it.isDigit() }
        println("$elements $resident")
    }
}
