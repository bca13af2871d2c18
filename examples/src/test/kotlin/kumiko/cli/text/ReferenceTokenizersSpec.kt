package kumiko.cli.text

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldNotContain
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import kumiko.cli.Reference
import java.nio.file.Files
import java.nio.file.Path

@Serializable
private data class Case(val text: String, val ids: List<Int>, val decoded: String, val source: String? = null)

@Serializable
private data class Cases(@kotlinx.serialization.SerialName("add_special_tokens") val special: Boolean, val cases: List<Case>)

private fun cases(file: Path): List<Case> = Json.decodeFromString<Cases>(Files.readString(file)).cases

/** Every tokenizer file of the reference data, in every format, against the ids of the original implementations. */
class ReferenceTokenizersSpec : FunSpec({
    fun pairs(folder: Path): List<Case> = cases(listOf("pairs.json", "tokenizer_pairs.json").map(folder::resolve).first(Files::exists))

    /** The Meta layout of the stories has the same vocabulary but no pairs of its own. */
    fun sets(): List<Pair<Path, List<Case>>> = Reference.foldersWith("tokenizers", "pairs.json").map { it to pairs(it) } +
        listOf("stories260k-hf", "stories260k-meta").map { Reference.folder(it) to pairs(Reference.folder("stories260k-hf")) }

    test("every tokenizer file of the reference data encodes and decodes its pairs").config(enabledOrReasonIf = Reference.present) {
        val tried = ArrayList<String>()
        for ((folder, cases) in sets()) {
            for ((name, open) in TokenizerFiles.candidates(folder)) {
                open().use { tokenizer ->
                    withClue("$folder/$name") {
                        cases.filter { tokenizer.encode(it.text).toList() != it.ids }.shouldBeEmpty()
                        cases.filter { tokenizer.decode(it.ids.toIntArray()) != it.decoded }.shouldBeEmpty()
                    }
                }
                tried += "${folder.fileName}/$name"
            }
        }
        tried.shouldContainExactlyInAnyOrder(
            "gpt-neox/tokenizer.json",
            "gpt2/tokenizer.json", "gpt2/vocab.json",
            "llama-spm/tokenizer.json", "llama-spm/tokenizer.model",
            "llama3/tokenizer.json", "llama3/tokenizer.model",
            "stories260k-hf/tokenizer.json", "stories260k-hf/tokenizer.model",
            "stories260k-meta/tokenizer.model",
        )
    }

    test("streaming gives the same text and never half a character").config(enabledOrReasonIf = Reference.present) {
        for ((folder, cases) in sets()) {
            TokenizerFiles.open(folder)!!.use { tokenizer ->
                for (case in cases) {
                    withClue("$folder: $case") {
                        val ids = case.ids.toIntArray()
                        val stream = tokenizer.stream(intArrayOf())
                        val pieces = ids.map(stream::push)
                        pieces.forEach { it shouldNotContain "\uFFFD" }
                        pieces.forEach { piece -> if (piece.isNotEmpty()) piece.last().isHighSurrogate() shouldBe false }
                        pieces.joinToString("") + stream.finish() shouldBe tokenizer.plain(ids)
                    }
                }
            }
        }
    }

    test("text after a prompt continues it as if both had been decoded together").config(enabledOrReasonIf = Reference.present) {
        for ((folder, cases) in sets()) {
            TokenizerFiles.open(folder)!!.use { tokenizer ->
                for (case in cases.filter { it.ids.size > 1 && '\uFFFD' !in it.decoded }) {
                    val prompt = case.ids.take(case.ids.size / 2).toIntArray()
                    val start = tokenizer.plain(prompt)
                    if (start.endsWith('\uFFFD')) continue
                    val stream = tokenizer.stream(prompt)
                    val rest = case.ids.drop(prompt.size).joinToString("", transform = stream::push) + stream.finish()
                    withClue("$folder: $case") { start + rest shouldBe tokenizer.plain(case.ids.toIntArray()) }
                }
            }
        }
    }

    test("prompts begin and texts end as each model's files say").config(enabledOrReasonIf = Reference.present) {
        val found = sets().flatMap { (folder, _) ->
            TokenizerFiles.candidates(folder).map { (name, open) ->
                open().use { "${folder.fileName}/$name begins ${it.beginning} ends ${it.stops.sorted()}" }
            }
        }
        found.joinToString("\n") shouldBe """
            gpt-neox/tokenizer.json begins [] ends []
            gpt2/tokenizer.json begins [] ends []
            gpt2/vocab.json begins [] ends [50256]
            llama-spm/tokenizer.json begins [1] ends [1]
            llama-spm/tokenizer.model begins [1] ends [1, 2]
            llama3/tokenizer.json begins [128000] ends [128000]
            llama3/tokenizer.model begins [128000] ends [128000, 128001, 128009]
            stories260k-hf/tokenizer.json begins [1] ends [1, 2]
            stories260k-hf/tokenizer.model begins [1] ends [1, 2]
            stories260k-meta/tokenizer.model begins [1] ends [1, 2]
        """.trimIndent()
    }
})
