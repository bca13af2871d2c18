package kumiko.cli.observe

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldEndWith
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.double
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.cli.Exit
import kumiko.cli.TinyCheckpoints
import kumiko.cli.kumiko
import kumiko.cli.text.TinyTokenizers
import kumiko.testing.Golden
import java.nio.file.Path

/** `compare` of checkpoints on a sequence. */
class CompareRunsSpec : FunSpec({
    val root = tempdir().toPath()
    val base = TinyCheckpoints.gpt2(root.resolve("base"))
    val twin = TinyCheckpoints.gpt2(root.resolve("twin"))
    val edited = TinyCheckpoints.changed(root.resolve("edited"), "blocks.1.ffn.down.weight")
    val attending = TinyCheckpoints.changed(root.resolve("attending"), "blocks.0.attention.query.weight")
    val spoken = TinyCheckpoints.gpt2(root.resolve("spoken")).also(TinyTokenizers::gpt2)
    val llama = TinyCheckpoints.llama(root.resolve("llama"))

    fun told(vararg arguments: String): String {
        val ran = kumiko("compare", *arguments, width = 160)
        ran.err shouldBe ""
        ran.code shouldBe Exit.GOOD
        return ran.out
    }

    fun run(vararg models: Path): JsonObject {
        val json = told(*models.map { "$it" }.toTypedArray(), "--ids", "7,3,3,200", "--json")
        return Json.parseToJsonElement(json).jsonObject.getValue("run").jsonObject
    }

    fun refused(vararg arguments: String): String {
        val ran = kumiko("compare", *arguments, width = 1000)
        ran.out shouldBe ""
        ran.code shouldBe Exit.BAD_INPUT
        return ran.err.replace("$root/", "")
    }

    test("two checkpoints are told side by side, with the first value and the first token that differ") {
        Golden.check("compare/runs.txt", told("$base", "$edited", "--ids", "7,3,3,200"))
    }

    test("one checkpoint alone is told without a difference") {
        Golden.check("compare/run.txt", told("$spoken", "--text", "hello hell"))
    }

    test("the first value that differs is the product of the changed weight") {
        val first = run(base, edited).getValue("difference").jsonObject.getValue("firstValue").jsonObject
        first.getValue("node").jsonPrimitive.content shouldBe "blocks.1.ffn.down"
        first.getValue("position").jsonPrimitive.int shouldBe 0
    }

    test("queries that differ move nothing at the first position, which sees only itself") {
        val difference = run(base, attending).getValue("difference").jsonObject
        difference.getValue("firstValue").jsonObject.getValue("node").jsonPrimitive.content shouldBe "blocks.0.attention.query"
        val block = difference.getValue("residualDistances").jsonObject.getValue("blocks.0").jsonArray.map { it.jsonPrimitive.double }
        block[0] shouldBe 0.0
        (block[3] > Parting.MEASURE) shouldBe true
    }

    test("checkpoints with the same weights differ in nothing") {
        val difference = run(base, twin).getValue("difference").jsonObject
        difference.keys shouldBe setOf("measure", "residualDistances", "nextTokenDistances")
        val distances = difference.getValue("residualDistances").jsonObject.values.flatMap { it.jsonArray } +
            difference.getValue("nextTokenDistances").jsonArray
        distances.map { it.jsonPrimitive.double }.toSet() shouldBe setOf(0.0)
        told("$base", "$twin", "--ids", "1,2") shouldEndWith
            "\nNo value that both have differs by more than 0.01 of its size.\n" +
            "\nBehind every position both find the same next token most probable.\n"
    }

    test("the listed probabilities are those of the softmax of the listed logits") {
        val next = run(base).getValue("models").jsonArray[0].jsonObject.getValue("next").jsonArray
        next.size shouldBe 4
        for (position in next) {
            val tokens = position.jsonArray.map { it.jsonObject }
            val (a, b) = tokens.map { it.getValue("probability").jsonPrimitive.double to it.getValue("logit").jsonPrimitive.double }
            (a.first / b.first) shouldBe (Math.exp(a.second - b.second) plusOrMinus 1e-9)
        }
    }

    test("what cannot be run or held against each other is refused") {
        refused("$base", "--ids", "1", "--text", "a") shouldBe "Say what to run on once: either --ids or --text.\n"
        refused("$base", "gpt2-124m", "--ids", "1") shouldBe
            "gpt2-124m: is no directory with a checkpoint, and --ids and --text need weights to run. Name a checkpoint directory.\n"
        refused("$base", "$base", "$base", "--ids", "1") shouldBe
            "--ids and --text look into one checkpoint or compare two, not 3. Name fewer.\n"
        refused("$base", "$llama", "--ids", "1") shouldBe
            "base has a vocabulary of 262 tokens and llama one of 40, so their logits cannot be held against each other. " +
            "Compare checkpoints of one vocabulary, or look into one alone.\n"
        refused("$base", "--ids", "1,262") shouldBe "Token id 262 is outside the vocabulary of base, which has ids 0 to 261.\n"
        refused("$base", "--ids", List(17) { 1 }.joinToString(",")) shouldBe
            "base: slot 0 reaches position 16, but embedding.positions.weight has 16 learned positions (0 to 15); " +
            "shorten the prompt or generate fewer tokens\n"
        refused("$base", "--ids", List(257) { 1 }.joinToString(",")) shouldBe "257 tokens are too many to look at; give at most 256.\n"
        refused("$base", "--text", "a") shouldBe
            "base: no tokenizer lies beside the checkpoint (looked for tokenizer.json, tokenizer.model, vocab.json with merges.txt). " +
            "Copy it there, or give token ids with --ids.\n"
        refused("$spoken", "--text", "") shouldBe
            "The text is empty, and there is no token that begins a text. Write at least one character.\n"
    }

    test("vocabularies of one size that call a token differently are refused") {
        val other = TinyCheckpoints.gpt2(root.resolve("other"))
        TinyTokenizers.gpt2(other)
        val file = other.resolve("vocab.json").toFile()
        file.writeText(Regex("\"([ab])\":").replace(file.readText()) { if (it.groupValues[1] == "a") "\"b\":" else "\"a\":" })
        refused("$spoken", "$other", "--ids", "97,98") shouldBe
            "spoken and other have different vocabularies: token 97 is \"a\" in one and \"b\" in the other. " +
            "Compare checkpoints of one vocabulary, or look into one alone.\n"
    }
})
