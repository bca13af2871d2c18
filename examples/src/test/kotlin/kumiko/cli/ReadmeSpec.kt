package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldHaveAtLeastSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.io.File

/** What the READMEs tell people to type is typed here. */
class ReadmeSpec : FunSpec({
    val readme = File("../README.md").readText()

    /** The blocks between fences that are marked [language]. */
    fun blocks(text: String, language: String): List<String> =
        Regex("^```$language\n(.*?)^```$", setOf(RegexOption.MULTILINE, RegexOption.DOT_MATCHES_ALL)).findAll(text).map {
            it.groupValues[1]
        }.toList()

    /** Commands in the order of the text, their files in a folder that goes away. */
    fun commands(text: String): List<List<String>> {
        val folder = tempdir().path
        return blocks(text, "sh").flatMap { it.lines() }.filter { it.startsWith("examples/kumiko ") }
            .map { it.removePrefix("examples/kumiko ").substringBefore(" #").trim().replace("target/", "$folder/").split(" ") }
    }

    test("the table at the top is what the first command prints") {
        val shown = blocks(readme, "").first().lines()
        shown.first() shouldBe "$ examples/kumiko compare gpt2-124m llama3-8b"
        shown.drop(1).joinToString("\n") shouldBe kumiko("compare", "gpt2-124m", "llama3-8b", width = PIPE_WIDTH).out
    }

    for (name in listOf("README.md", "examples/README.md", "architectures/README.md", "runtime/README.md", "dsl/README.md")) {
        test("every command of $name works") {
            for (arguments in commands(File("..", name).readText())) {
                val ran = kumiko(*arguments.toTypedArray())
                ran.err shouldBe ""
                ran.code shouldBe Exit.GOOD
            }
        }
    }

    test("the main README shows more than one command") {
        commands(readme) shouldHaveAtLeastSize 4
    }

    test("continuous integration runs the README's test command") {
        val command = blocks(readme, "sh").flatMap { it.lines() }.single { it.startsWith("mvn ") }.substringBefore(" #").trim()
        File("../.ci/run").readText() shouldContain "\n$command "
    }

    test("the table of commands has every command") {
        val listed = Regex("^\\| `([a-z]+)", RegexOption.MULTILINE).findAll(File("README.md").readText()).map { it.groupValues[1] }.toSet()
        val known = kumiko("--help").out.substringAfter("Commands:\n").lines().map {
            it.trim().substringBefore(" ")
        }.filter { it.isNotEmpty() }
        listed shouldBe known.toSet()
    }
})
