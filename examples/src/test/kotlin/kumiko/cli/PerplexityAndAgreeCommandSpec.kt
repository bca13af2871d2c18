package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.cli.text.TinyTokenizers
import kumiko.cli.text.TokenizerFiles
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.createDirectory
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText

class PerplexityAndAgreeCommandSpec : FunSpec({
    val root = tempdir().toPath()
    val llama = TinyCheckpoints.llama(root.resolve("llama"))
    val gpt2 = TinyCheckpoints.gpt2(root.resolve("gpt2")).also(TinyTokenizers::gpt2)
    val text = root.resolve("text.txt").also { it.writeText("hello hell, hello world\nhello he well") }

    fun json(vararg arguments: String): JsonObject {
        val ran = kumiko(*arguments, "--json")
        check(ran.code == Exit.GOOD) { ran }
        return Json.parseToJsonElement(ran.out).jsonObject
    }

    fun JsonObject.number(name: String) = getValue(name).jsonPrimitive.double

    fun refused(vararg arguments: String): String {
        val ran = kumiko(*arguments)
        ran.code shouldBe Exit.BAD_INPUT
        ran.out shouldBe ""
        return ran.err.replace("$root", "R")
    }

    fun zeros(model: String, map: String): Path = root.resolve("zeros-$map").also {
        check(kumiko("init", model, "--tiny", "--zeros", "--map", map, "--out", "$it").code == Exit.GOOD)
    }

    // A sequence that anybody can write down again, below 160.
    val squares = (0..<150).joinToString(",") { "${(it * it * 7 + it * 3 + 11) % 160}" }

    // What transformers 5.18 computes for the same ids with its published recipe, the loss of each window times its predicted tokens.
    val references = listOf(
        listOf("gpt2-hf", "64", "32", "7.417828", "149"),
        listOf("gpt2-hf", "64", "64", "7.369321", "147"),
        listOf("neox-hf", "48", "20", "7.453333", "149"),
        listOf("llama-hf", "100", "100", "7.233343", "148"),
    )

    test("bf16 arithmetic changes a perplexity a little, and both models of a comparison alike") {
        val folder = "${root.resolve("bf16")}"
        kumiko("init", "gpt2-124m", "--tiny", "--seed", "1", "--dtype", "bf16", "--map", "gpt2-hf", "--out", folder).code shouldBe Exit.GOOD
        val ids = arrayOf("--ids", (0..<12).joinToString(",") { "${it * 7 % 50}" })
        val (exact, rounded) = listOf("f32", "bf16").map { json("perplexity", folder, *ids, "--arithmetic", it).number("perplexity") }
        rounded shouldNotBe exact
        rounded shouldBe (exact plusOrMinus 0.01 * exact)
        json("agree", folder, folder, *ids, "--arithmetic", "bf16").number("logitMaxAbs") shouldBe 0.0
    }

    for ((set, context, stride, likelihood, predicted) in references) {
        test(
            "$set, context $context, stride $stride: the likelihood is that of transformers",
        ).config(enabledOrReasonIf = Reference.present) {
            val folder = "${Reference.folder(set)}"
            val found = json("perplexity", folder, "--ids", squares, "--context", context, "--stride", stride)
            found.number("negativeLogLikelihood") shouldBe (likelihood.toDouble() plusOrMinus 5e-6)
            found.getValue("predicted").jsonPrimitive.int shouldBe predicted.toInt()
        }
    }

    test("a trained model finds its own story likely, as transformers does").config(enabledOrReasonIf = Reference.present) {
        val folder = Reference.folder("stories260k-hf")
        val story = Json.parseToJsonElement(
            Files.readString(folder.resolve("stories.json")),
        ).jsonObject.getValue("greedy").jsonArray[0].jsonObject
        val ids = listOf("prompt_ids", "generated_ids").flatMap { story.getValue(it).jsonArray }.joinToString(",")
        json("perplexity", "$folder", "--ids", ids, "--context", "64", "--stride", "48").number("perplexity") shouldBe
            (1.654778 plusOrMinus 1e-5)
        json("perplexity", "$folder", "--ids", ids).number("perplexity") shouldBe (1.579876 plusOrMinus 1e-5)
    }

    test("a model that knows nothing is as perplexed as its vocabulary is large") {
        val folder = zeros("gpt2-124m", "gpt2-hf")
        val config = Json.parseToJsonElement(Files.readString(folder.resolve("config.json"))).jsonObject
        val vocabulary = config.getValue("vocab_size").jsonPrimitive.double
        json("perplexity", "$folder", "--ids", "1,2,3,4").number("perplexity") shouldBe (vocabulary plusOrMinus 1e-6 * vocabulary)
    }

    test("a text is measured by its ids, and told in two lines") {
        val ids = TokenizerFiles.open(gpt2)!!.use { it.prompt(Files.readString(text)) }
        val byText = kumiko("perplexity", "$gpt2", "$text", "--stride", "5")
        byText.code shouldBe Exit.GOOD
        val byIds = json("perplexity", "$gpt2", "--ids", ids.joinToString(","), "--stride", "5")
        val lines = byText.out.replace("$root", "R").lines()
        lines[0] shouldBe "perplexity ${"%.4f".format(byIds.number("perplexity"))} of gpt2 on R/text.txt"
        lines[1] shouldBe "mean negative log likelihood ${"%.6f".format(byIds.number("negativeLogLikelihood"))} nats of ${ids.size - 1} " +
            "predicted ids of ${ids.size}, in ${byIds.getValue("windows").jsonPrimitive.int} windows of 16, 5 apart"
        kumiko("perplexity", "$gpt2", "$text", "--quantize", "int8:6.0").out.lines()[0] shouldContain "of gpt2 in int8:6.0 on"
    }

    test("a model agrees with itself everywhere, in pieces and windows too") {
        val many = (0..<150).joinToString(",") { "${it * 7 % 40}" }
        for (options in listOf(listOf(), listOf("--context", "100"), listOf("--context", "20", "--stride", "7"))) {
            val found = json("agree", "$llama", "$llama", "--ids", many, *options.toTypedArray())
            found.getValue("positions").jsonPrimitive.int shouldBe 150
            found.number("share") shouldBe 1.0
            found.number("klMean") shouldBe 0.0
            found.number("klMax") shouldBe 0.0
            found.number("logitMaxAbs") shouldBe 0.0
            ("firstParting" in found) shouldBe false
        }
        val size = TokenizerFiles.open(gpt2)!!.use { it.prompt(Files.readString(text)) }.size
        kumiko("agree", "$gpt2", "$gpt2", "$text").out.replace("$root", "R").lines().take(2) shouldBe listOf(
            "gpt2 and gpt2 on R/text.txt",
            "same most probable id at $size of $size positions (100.00 %), never parted",
        )
    }

    test("where two models part is where their greedy tokens do") {
        val other = root.resolve("other").also {
            check(kumiko("init", "$llama", "--map", "llama-hf", "--seed", "5", "--out", "$it").code == Exit.GOOD)
        }
        val ids = listOf(1, 2, 3, 4, 5, 6)
        val found = json("agree", "$llama", "$other", "--ids", ids.joinToString(","))
        val next = listOf(llama, other).map { model ->
            ids.indices.map { last ->
                kumiko("generate", "$model", "--ids", ids.take(last + 1).joinToString(","), "--tokens", "1").out.trim().toInt()
            }
        }
        val parting = ids.indices.first { next[0][it] != next[1][it] }
        val told = found.getValue("firstParting").jsonObject
        listOf("position", "first", "second").map { told.getValue(it).jsonPrimitive.int } shouldBe
            listOf(parting, next[0][parting], next[1][parting])
        found.getValue("equal").jsonPrimitive.int shouldBe ids.indices.count { next[0][it] == next[1][it] }
    }

    test("models of different vocabularies are not compared") {
        refused("agree", "$llama", "$gpt2", "--ids", "1,2") shouldBe
            "llama has a vocabulary of 40 ids, gpt2 one of 262: their predictions cannot be compared. " +
            "Agreement is between models of one vocabulary.\n"
    }

    test("tokenizers that cut the text differently are refused, with the place") {
        val other = TinyCheckpoints.gpt2(root.resolve("cut").createDirectory())
        TinyTokenizers.tiktoken(other)
        refused("agree", "$gpt2", "$other", "$text") shouldContain "cut R/text.txt differently: at place "
    }

    test("a model that sees its prompt whole has no perplexity, and says what there is") {
        val glm = root.resolve("glm").also {
            check(kumiko("init", "chatglm-6b", "--tiny", "--map", "chatglm-6b", "--seed", "1", "--out", "$it").code == Exit.GOOD)
        }
        refused("perplexity", "$glm", "--ids", "1,2,3") shouldContain
            "sees its prompt whole (prefix-causal mask), so the tokens of a text are no predictions of it."
    }

    test("what cannot be measured is refused in one paragraph") {
        refused("perplexity", "$llama") shouldBe "Say what to measure with: either a text FILE or --ids 1,2,3.\n"
        refused("perplexity", "$llama", "$text", "--ids", "1") shouldBe "Say what to measure with: either a text FILE or --ids 1,2,3.\n"
        refused("perplexity", "$llama", "--ids", "1") shouldBe
            "Nothing to predict: a text needs at least 2 ids, in windows of at least 2; it has 1 in windows of 1.\n"
        refused("perplexity", "$llama", "--ids", "1,2,40") shouldBe
            "Id 2 of the text is 40, outside the vocabulary of llama, which has ids 0 to 39.\n"
        refused("perplexity", "$gpt2", "--ids", "1,2", "--context", "17") shouldBe
            "--context 17 is more than the 16 learned positions of gpt2.\n"
        refused("perplexity", "$gpt2", "--ids", "1,2", "--context", "4", "--stride", "5") shouldBe
            "--stride 5 would leave out ids between windows of 4; it is at most the context.\n"
        refused("perplexity", "$llama", "--ids", (0..2048).joinToString(",") { "1" }) shouldBe
            "The text has 2049 ids, and llama has no learned positions that would bound what it sees: say with --context how many at once.\n"
        refused("perplexity", "$gpt2", "$root/none.txt") shouldBe "R/none.txt: there is no such file\n"
        val binary = root.resolve("binary").also { it.writeBytes(byteArrayOf(-1, -2)) }
        refused("perplexity", "$gpt2", "$binary") shouldBe "R/binary: is no text in UTF-8\n"
        refused("perplexity", "$llama", "$text") shouldContain "R/llama: no tokenizer lies beside the checkpoint"
    }
})
