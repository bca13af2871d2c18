package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import io.kotest.matchers.string.shouldStartWith
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.cli.text.TinyTokenizers
import java.nio.file.Path
import kotlin.io.path.writeText

class GenerateCommandSpec : FunSpec({
    val root = tempdir().toPath()
    val gpt2 = TinyCheckpoints.gpt2(root.resolve("gpt2"))
    val spoken = TinyCheckpoints.gpt2(root.resolve("spoken")).also(TinyTokenizers::gpt2)

    fun good(vararg arguments: String): Ran = kumiko("generate", *arguments).also { check(it.code == Exit.GOOD) { it } }

    fun refused(vararg arguments: String): String {
        val ran = kumiko("generate", *arguments)
        ran.code shouldBe Exit.BAD_INPUT
        ran.out shouldBe ""
        return ran.err
    }

    test("ids are written with commas between them as they can be given again") {
        val ran = good("$gpt2", "--ids", "1,2,3", "--tokens", "4")
        ran.out shouldMatch Regex("\\d+(,\\d+){3}\n")
        ran.err shouldBe ""
    }

    test("a continuation of a continuation is the longer continuation") {
        val whole = good("$gpt2", "--ids", "1,2,3", "--tokens", "6").out.trim()
        val half = good("$gpt2", "--ids", "1,2,3", "--tokens", "3").out.trim()
        "$half," + good("$gpt2", "--ids", "1,2,3,$half", "--tokens", "3").out.trim() shouldBe whole
    }

    test("a text is written behind its prompt") {
        val ran = good("$spoken", "--prompt", "hello w", "--tokens", "5", "--json")
        val json = Json.parseToJsonElement(ran.out).jsonObject
        json.getValue("prompt").jsonArray.toString() shouldBe "[259,260]"
        json.getValue("ids").jsonArray shouldHaveSize 5
        json.getValue("text").jsonPrimitive.content shouldStartWith "hello w"
        json.getValue("ended").jsonPrimitive.content shouldBe "tokens"
        good("$spoken", "--prompt", "hello w", "--tokens", "5").out shouldBe json.getValue("text").jsonPrimitive.content + "\n"
    }

    test("threads change nothing") {
        good("$gpt2", "--ids", "5", "--threads", "1").out shouldBe good("$gpt2", "--ids", "5", "--threads", "3").out
    }

    test("one seed gives one text, and a text by chance names its seed") {
        val one = good("$gpt2", "--ids", "5", "--temperature", "1.5", "--seed", "3").out
        good("$gpt2", "--ids", "5", "--temperature", "1.5", "--seed", "3").out shouldBe one
        good("$gpt2", "--ids", "5", "--temperature", "1.5", "--seed", "4").out shouldNotBe one
        val drawn = good("$gpt2", "--ids", "5", "--top-p", "0.9", "--tokens", "4")
        drawn.err shouldMatch Regex("seed \\d+\n")
        val seed = drawn.err.removePrefix("seed ").trim()
        good("$gpt2", "--ids", "5", "--top-p", "0.9", "--tokens", "4", "--seed", seed).out shouldBe drawn.out
    }

    test("among one candidate chance is greedy") {
        good("$gpt2", "--ids", "5", "--top-k", "1", "--seed", "3").out shouldBe good("$gpt2", "--ids", "5", "--greedy").out
    }

    test("the text ends where the model has no more positions and says so") {
        val ran = good("$gpt2", "--ids", "1,2,3", "--tokens", "100")
        ran.out.trim().split(",") shouldHaveSize 14
        ran.err shouldBe "gpt2 has no more positions; the text ends here\n"
        good("$gpt2", "--ids", "1,2,3", "--tokens", "14").err shouldBe ""
    }

    test("the text ends before an end-of-sequence token") {
        val ids = good("$gpt2", "--ids", "1,2,3", "--tokens", "6").out.trim().split(",")
        val stop = ids.indexOfFirst { it !in ids.take(2) }
        val ended = TinyCheckpoints.gpt2(root.resolve("ended"))
        ended.resolve("generation_config.json").writeText("""{"eos_token_id": ${ids[stop]}}""")
        val json = Json.parseToJsonElement(good("$ended", "--ids", "1,2,3", "--tokens", "6", "--json").out).jsonObject
        json.getValue("ids").jsonArray.map { it.jsonPrimitive.content } shouldBe ids.take(stop)
        json.getValue("ended").jsonPrimitive.content shouldBe "end of text"
    }

    test("what cannot be continued is refused in one paragraph") {
        refused("$gpt2") shouldBe "Say what to continue: one of --prompt TEXT, --ids 1,2,3 and --resume FILE.\n"
        refused(
            "$gpt2",
            "--ids",
            "1",
            "--prompt",
            "a",
        ) shouldBe "Say what to continue: one of --prompt TEXT, --ids 1,2,3 and --resume FILE.\n"
        refused("$gpt2", "--ids", "") shouldBe "--ids is empty; give at least one token id.\n"
        refused("$gpt2", "--ids", "1,two") shouldBe "--ids: \"two\" is no token id; ids are whole numbers separated by commas.\n"
        refused("$gpt2", "--ids", "1,262") shouldBe "Token id 262 is outside the vocabulary of gpt2, which has ids 0 to 261.\n"
        refused("$gpt2", "--ids=-1") shouldBe "Token id -1 is outside the vocabulary of gpt2, which has ids 0 to 261.\n"
        refused("$gpt2", "--ids", (1..17).joinToString(",")) shouldBe
            "The prompt has 17 tokens, but gpt2 has 16 learned positions. Shorten the prompt.\n"
    }

    test("a text needs a tokenizer, and a first token") {
        refused("$gpt2", "--prompt", "a").replace("$gpt2", "F") shouldBe
            "F: no tokenizer lies beside the checkpoint (looked for tokenizer.json, tokenizer.model, vocab.json with merges.txt). " +
            "Copy it there, or give token ids with --ids.\n"
        refused("$spoken", "--prompt", "").replace("$spoken", "F") shouldBe
            "The prompt is empty, and F/vocab.json, F/merges.txt has no token that begins a text. Write at least one character.\n"
    }

    test("choices of chance that contradict themselves are refused") {
        refused("$gpt2", "--ids", "1", "--greedy", "--top-k", "3", "--seed", "1") shouldBe
            "--greedy leaves nothing to chance; leave out either it or --top-k, --seed.\n"
        refused("$gpt2", "--ids", "1", "--temperature", "0") shouldBe
            "--temperature is a number above 0, not 0.0. For the most probable token say --greedy.\n"
        refused("$gpt2", "--ids", "1", "--top-p", "1.5") shouldBe "--top-p is a probability above 0 and up to 1, not 1.5.\n"
        refused("$gpt2", "--ids", "1", "--top-k", "0") shouldContain "--top-k"
        refused("$gpt2", "--ids", "1", "--tokens", "0") shouldContain "--tokens"
    }

    test("a checkpoint that is not there is named") {
        refused("${Path.of("nowhere")}", "--ids", "1") shouldBe
            "nowhere: there is no such file or directory. Check the path for a typing mistake.\n"
    }
})
