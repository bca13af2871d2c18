package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import kumiko.architectures.Architectures
import kumiko.dsl.spec.toJson
import kumiko.testing.Golden

/** What a user reads who typed something else. */
class UsageErrorsSpec : FunSpec({
    fun refused(vararg arguments: String): String {
        val ran = kumiko(*arguments)
        ran.out shouldBe ""
        ran.code shouldBe Exit.BAD_INPUT
        return ran.err
    }

    test("a mistyped command gets a suggestion") {
        refused("compar") shouldBe
            "Usage: kumiko [<options>] <command> [<args>]...\n\nError: no such subcommand compar. Did you mean compare?\n"
    }

    test("every command is called what it is found by") {
        COMMANDS.forEach { (name, command) -> command().commandName shouldBe name }
    }

    test("a mistyped option gets a suggestion") {
        refused("list", "--jsn") shouldBe "Usage: kumiko list [<options>]\n\nError: no such option --jsn. Did you mean --json?\n"
    }

    test("a missing argument is named") {
        refused("show") shouldBe "Usage: kumiko show [<options>] <model>\n\nError: missing argument <model>\n"
    }

    test("a mistyped model gets a suggestion") {
        refused("show", "gpt2-124") shouldBe "no built-in model is called 'gpt2-124'; did you mean gpt2-124m?\n"
    }

    test("a model like no other is answered with all names") {
        refused("compare", "gpt2-124m", "transformer") shouldBe
            "no built-in model is called 'transformer'; known are ${Architectures.all.keys.joinToString(", ")}\n"
    }

    test("a spec file that is not there is named") {
        refused("show", "nowhere.spec.json") shouldBe "nowhere.spec.json: there is no such file\n"
    }

    test("a spec file that does not fit is refused with its problems") {
        val text = Architectures["llama3-8b"].toJson().replace("\"headDim\": \"embed / heads\"", "\"headDim\": \"96\"")
        val file = tempdir().resolve("bad.spec.json").apply { writeText(text) }
        refused("show", file.path) shouldBe
            """
            $file: llama3-8b: 1 problem
              blocks.attention.out   input heads(32)*headDim(96) = 3072, but the residual stream is embed(4096)
                                     embed comes from embedding.tokens; did you mean headDim = embed / heads = 128?

            """.trimIndent()
    }

    test("a spec file that is no JSON, no text or empty is refused in one paragraph") {
        val folder = tempdir()
        for (bytes in listOf(byteArrayOf(), "{".toByteArray(), byteArrayOf(-1, -2), "[]".toByteArray(), "{\"name\": 3}".toByteArray())) {
            val file = folder.resolve("odd.spec.json").apply { writeBytes(bytes) }
            val text = refused("show", file.path)
            text.startsWith("$file: ") shouldBe true
            text.contains("Exception") shouldBe false
        }
    }

    test("a file of another kind is no model") {
        val file = tempdir().resolve("model.json").apply { writeText("{}") }
        refused("show", file.path) shouldBe "$file: a model is described by a file whose name ends in .spec.json\n"
    }

    test("no command at all prints the help page and is bad usage") {
        Golden.check("help.txt", refused())
    }

    test("asking for help is good usage") {
        kumiko("--help").code shouldBe Exit.GOOD
        for (command in listOf(
            "list",
            "show",
            "compare",
            "diff",
            "check",
            "init",
            "convert",
            "bench",
            "kernels",
        )) {
            Golden.check("help/$command.txt", kumiko(command, "--help").out)
        }
    }
})
