package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.cli.text.TinyTokenizers
import java.nio.file.Path
import kotlin.io.path.exists
import kotlin.io.path.readBytes
import kotlin.io.path.writeBytes

/** `generate --save` and `--resume`. What needs the reference checkpoints is skipped where they are absent. */
class SavedSessionSpec : FunSpec({
    val root = tempdir().toPath()
    val gpt2 = TinyCheckpoints.gpt2(root.resolve("gpt2"))
    val session = root.resolve("kept.session")

    fun good(vararg arguments: String): String = kumiko("generate", *arguments).also { check(it.code == Exit.GOOD) { it } }.out

    fun refused(vararg arguments: String): String {
        val ran = kumiko("generate", *arguments)
        ran.code shouldBe Exit.BAD_INPUT
        return ran.err.replace("$root", "R").replace(Regex("[0-9a-f]{64}"), "HASH")
    }

    fun ids(vararg arguments: String): List<Int> =
        Json.parseToJsonElement(good(*arguments, "--json")).jsonObject.getValue("ids").jsonArray.map { it.jsonPrimitive.int }

    /** Tokens in three runs and in one. */
    fun interrupted(checkpoint: Path, prompt: String, vararg options: String): Pair<List<Int>, List<Int>> {
        val whole = ids("$checkpoint", "--ids", prompt, "--tokens", "9", *options)
        val parts = ids("$checkpoint", "--ids", prompt, "--tokens", "4", "--save", "$session", *options) +
            ids("$checkpoint", "--resume", "$session", "--tokens", "1", "--save", "$session", *options) +
            ids("$checkpoint", "--resume", "$session", "--tokens", "4", *options)
        return parts to whole
    }

    val prompts = mapOf(
        "gpt2-hf" to "5,6,7",
        "neox-hf" to "5,6,7",
        "chatglm-6b" to "112,64,119,153,156,9",
        "chatglm-6b-ptuning" to "31,153,156",
    )

    for ((set, prompt) in prompts) {
        test("resumed sessions write the tokens of an uninterrupted one: $set").config(enabledOrReasonIf = Reference.present) {
            val (parts, whole) = interrupted(Reference.folder(set), prompt)
            parts shouldBe whole
        }
    }

    test("chance goes on where it was") {
        val (parts, whole) = interrupted(gpt2, "1,2", "--temperature", "1.5", "--seed", "3")
        parts shouldBe whole
    }

    test("a resumed text is the whole text") {
        val spoken = TinyCheckpoints.gpt2(root.resolve("spoken")).also(TinyTokenizers::gpt2)
        good("$spoken", "--prompt", "hello w", "--tokens", "3", "--save", "$session")
        good("$spoken", "--resume", "$session", "--tokens", "2") shouldBe good("$spoken", "--prompt", "hello w", "--tokens", "5")
    }

    test("a session of the last position goes on for the one token that needs none, and then there is nothing to save") {
        good("$gpt2", "--ids", "1,2,3", "--tokens", "13", "--save", "$session")
        val whole = ids("$gpt2", "--ids", "1,2,3", "--tokens", "14")
        ids("$gpt2", "--resume", "$session", "--tokens", "1") shouldBe whole.takeLast(1)
        val full = root.resolve("full.session")
        refused("$gpt2", "--ids", "1,2,3", "--tokens", "14", "--save", "$full") shouldBe
            "--save R/full.session: gpt2 has no position for another token, so nothing was saved.\n"
        full.exists() shouldBe false
    }

    test("a session of another model, other weights or other types is refused by name") {
        good("$gpt2", "--ids", "1,2,3", "--tokens", "2", "--save", "$session")
        val llama = TinyCheckpoints.llama(root.resolve("llama"))
        refused("$llama", "--resume", "$session") shouldBe
            "R/kept.session: it was saved with another model (graph is HASH, this session has HASH)\n"

        fun initialised(name: String, vararg options: String) = root.resolve(name).also {
            check(kumiko("init", "gpt2-124m", "--tiny", "--map", "gpt2-hf", "--out", "$it", *options).code == Exit.GOOD)
        }
        good("${initialised("one", "--seed", "1")}", "--ids", "1,2,3", "--tokens", "2", "--save", "$session")
        refused("${initialised("other", "--seed", "2")}", "--resume", "$session") shouldBe
            "R/kept.session: it was saved with other weights of the same architecture (weights is HASH, this session has HASH)\n"
        refused("${initialised("narrow", "--seed", "1", "--dtype", "bf16")}", "--resume", "$session") shouldBe
            "R/kept.session: it was saved with weights stored or quantised otherwise (weight types is F32, this session has BF16)\n"
    }

    test("a session of quantised weights goes on with the same, and with no other") {
        val (parts, whole) = interrupted(gpt2, "1,2", "--quantize", "int8:6.0")
        parts shouldBe whole
        good("$gpt2", "--ids", "1,2,3", "--tokens", "2", "--save", "$session", "--quantize", "int8:6.0")
        for ((other, named) in mapOf("none" to "F32", "int8:5.0" to "F32, I8_ROWS (int8:5.0)")) {
            val options = if (other == "none") emptyArray() else arrayOf("--quantize", other)
            refused("$gpt2", "--resume", "$session", *options) shouldBe "R/kept.session: it was saved with weights stored or quantised " +
                "otherwise (weight types is F32, I8_ROWS (int8:6.0), this session has $named)\n"
        }
    }

    test("a file that is broken, none of these or absent is refused, and so is a folder that is not there") {
        good("$gpt2", "--ids", "1,2,3", "--tokens", "2", "--save", "$session")
        val broken = root.resolve("broken.session").also { it.writeBytes(session.readBytes().dropLast(1).toByteArray()) }
        refused("$gpt2", "--resume", "$broken") shouldStartWith "R/broken.session: "
        refused("$gpt2", "--resume", "$gpt2/model.safetensors") shouldBe
            "R/gpt2/model.safetensors: it is not a saved session (format is pt, this session has kumiko.session)\n"
        refused("$gpt2", "--resume", "$root/none.session") shouldContain "R/none.session"
        refused("$gpt2", "--ids", "1", "--save", "$root/nowhere/a.session") shouldBe
            "--save R/nowhere/a.session: there is no folder R/nowhere to write it into.\n"
        refused("$gpt2", "--ids", "1", "--resume", "$session") shouldBe
            "Say what to continue: one of --prompt TEXT, --ids 1,2,3 and --resume FILE.\n"
    }

    test("a session goes on in a copy of the checkpoint in another layout") {
        val llama = TinyCheckpoints.llama(root.resolve("llama-hf"))
        val copy = root.resolve("llama-meta")
        check(kumiko("convert", "$llama", "--to", "llama-meta", "--out", "$copy").code == Exit.GOOD)
        good("$llama", "--ids", "1,2,3", "--tokens", "2", "--save", "$session")
        good("$copy", "--resume", "$session", "--tokens", "3") shouldBe good("$llama", "--resume", "$session", "--tokens", "3")
    }
})
