package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.runtime.run.Program
import kumiko.runtime.run.Sampler
import java.nio.file.Files

@Serializable
private data class Story(
    val prompt: String,
    @SerialName("prompt_ids") val promptIds: List<Int>,
    @SerialName("generated_ids") val ids: List<Int>,
    val text: String,
)

@Serializable
private data class Stories(val greedy: List<Story>)

/** Trained models of the reference data do what they were trained for. */
class ReferenceTextsSpec : FunSpec({
    val lenient = Json { ignoreUnknownKeys = true }

    for (set in listOf("stories260k-hf", "stories260k-meta")) {
        test("$set writes the reference's stories token for token from text").config(enabledOrReasonIf = Reference.present) {
            val folder = Reference.folder(set)
            val stories = lenient.decodeFromString<Stories>(Files.readString(folder.resolve("stories.json"))).greedy
            stories shouldHaveSize 4
            for (story in stories) {
                val arguments = arrayOf("generate", "$folder", "--prompt", story.prompt, "--tokens", "${story.ids.size}")
                kumiko(*arguments).out shouldBe story.text + "\n"
                val json = Json.parseToJsonElement(kumiko(*arguments, "--json").out).jsonObject
                json.getValue("prompt").jsonArray.map { it.jsonPrimitive.int } shouldBe story.promptIds
                json.getValue("ids").jsonArray.map { it.jsonPrimitive.int } shouldBe story.ids
            }
        }
    }

    /** Six letters 0 to 2 in every order: 729 rows, side by side in one session. */
    fun sorts(set: String) {
        val inputs = (0..<729).map { n -> IntArray(LETTERS) { n / POWERS[it] % 3 } }
        val sorted = loadModel(Reference.folder(set)).use { model ->
            Program.compile(model.graph, model.weights, options(null)).use { program ->
                program.open(SLOTS, 2 * LETTERS - 1).use { session ->
                    inputs.chunked(SLOTS).flatMap { batch ->
                        batch.indices.forEach(session::clear)
                        session.prefill(batch.toTypedArray())
                        val written = batch.map { ArrayList<Int>() }
                        repeat(LETTERS) { step ->
                            written.forEachIndexed { slot, letters -> letters += session.sample(slot, Sampler.greedy()) }
                            if (step < LETTERS - 1) session.decode(written.map { it.last() }.toIntArray())
                        }
                        written
                    }
                }
            }
        }
        sorted shouldBe inputs.map { it.sorted() }
    }

    for (set in listOf("gpt-nano-sort", "neox-sort-shards")) {
        test("$set sorts all 729 inputs").config(enabledOrReasonIf = Reference.present) { sorts(set) }
    }
}) {
    private companion object {
        const val LETTERS = 6
        const val SLOTS = 81
        val POWERS = generateSequence(1) { it * 3 }.take(LETTERS).toList()
    }
}
