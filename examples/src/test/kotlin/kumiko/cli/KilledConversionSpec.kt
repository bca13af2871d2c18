package kumiko.cli

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.inspectors.forAll
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldEndWith
import io.kotest.matchers.string.shouldStartWith
import kumiko.architectures.llama3_8b
import kumiko.dsl.spec.shrunk
import kumiko.dsl.spec.toJson
import java.lang.management.ManagementFactory
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.exists
import kotlin.io.path.fileSize
import kotlin.io.path.isRegularFile
import kotlin.io.path.listDirectoryEntries
import kotlin.io.path.name
import kotlin.io.path.writeText

/** A conversion whose process is killed without warning. */
class KilledConversionSpec : FunSpec({
    val root = tempdir().toPath()
    val source = root.resolve("source")
    val out = root.resolve("out")

    fun good(vararg arguments: String) = kumiko(*arguments).also { check(it.code == Exit.GOOD) { it } }

    fun started(): Process = ProcessBuilder(
        listOf(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--add-modules", "jdk.incubator.vector") +
            listOf("-cp", ManagementFactory.getRuntimeMXBean().classPath, "kumiko.cli.MainKt") +
            listOf("convert", "$source", "--to", "llama-meta", "--out", "$out"),
    ).redirectErrorStream(true).redirectOutput(root.resolve("log").toFile()).start()

    /** What is written so far, in whatever folder. */
    fun bytes(): Long = root.listDirectoryEntries(".out*").flatMap { folder ->
        Files.walk(folder).use { all -> all.filter { it.isRegularFile() }.map { file -> file.fileSize() }.toList() }
    }.sum()

    test("a conversion that is killed when its first bytes are written leaves nothing that looks complete, and succeeds when run again") {
        val sizes = arrayOf("vocab" to 20_000, "embed" to 512, "heads" to 8, "kvHeads" to 4, "hidden" to 1_536)
        val spec = root.resolve("a.spec.json").also { it.writeText(llama3_8b.shrunk(4, *sizes).toJson()) }
        good("init", "$spec", "--map", "llama-hf", "--seed", "1", "--out", "$source")
        val before = contents(source)

        val process = started()
        while (process.isAlive && bytes() == 0L) Thread.onSpinWait()
        process.destroyForcibly().waitFor()

        withClue("it was over before it could be killed") { out.exists() shouldBe false }
        val left = root.listDirectoryEntries().filter { it.name !in setOf("source", "log", "a.spec.json") }
        left.shouldNotBeEmpty()
        left.forAll {
            it.name shouldStartWith ".out."
            it.name shouldEndWith ".partial"
            kumiko("check", "$it").code shouldBe Exit.BAD_INPUT
        }
        contents(source) shouldBe before

        good("convert", "$source", "--to", "llama-meta", "--out", "$out")
        good("convert", "$out", "--to", "llama-hf", "--out", "${root.resolve("back")}")
        Files.mismatch(source.resolve("model.safetensors"), root.resolve("back/model.safetensors")) shouldBe -1L
    }
})

private fun contents(folder: Path): Map<String, Pair<Long, Int>> =
    folder.listDirectoryEntries().associate { it.name to (it.fileSize() to Files.readAllBytes(it).contentHashCode()) }
