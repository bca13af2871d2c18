package kumiko.cli.text

import kotlinx.serialization.json.JsonObject
import kumiko.cli.Refusal
import java.io.IOException
import java.nio.file.Path
import kotlin.io.path.fileSize
import kotlin.io.path.isRegularFile
import kotlin.io.path.readBytes

/** Recognises and opens the tokenizer that lies beside a checkpoint. */
object TokenizerFiles {
    private const val LARGEST = 256L shl 20

    /** What is looked for, in this order. */
    val KNOWN = listOf("tokenizer.json", "tokenizer.model", "vocab.json with merges.txt")

    /** Whether [open] would find something, without reading it. */
    fun present(folder: Path): Boolean = candidates(folder).isNotEmpty()

    /** @return null where no tokenizer lies in the folder */
    fun open(folder: Path): Tokenizer? = candidates(folder).firstOrNull()?.let { (_, open) -> open() }

    /** All tokenizers of the folder by the name of their file; normally there is one, or the same one in two formats. */
    internal fun candidates(folder: Path): List<Pair<String, () -> Tokenizer>> = buildList {
        val ends = lazy { EndsOfText.read(folder) }
        val (json, model, vocabulary, merges) = listOf("tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt").map(folder::resolve)
        if (json.isRegularFile()) add("tokenizer.json" to { published(json, ends.value) })
        if (model.isRegularFile()) add("tokenizer.model" to { modelFile(model, ends.value) })
        if (vocabulary.isRegularFile() && merges.isRegularFile()) add("vocab.json" to { gpt2(vocabulary, merges, ends.value) })
    }

    private fun published(file: Path, ends: EndsOfText): Tokenizer =
        HuggingFaceTokenizers(file.toString(), bytes(file), beginning = null) { idOf, beginning ->
            ends.stops(beginning, ends.named.mapNotNull(idOf))
        }

    private fun modelFile(file: Path, ends: EndsOfText): Tokenizer {
        val bytes = bytes(file)
        if (Tiktoken.recognises(bytes.copyOf(minOf(bytes.size, 1024)))) {
            return HuggingFaceTokenizers(file.toString(), Tiktoken.read(file.toString(), bytes).bytes(), null) { idOf, beginning ->
                ends.stops(beginning, Tiktoken.ENDS.mapNotNull(idOf))
            }
        }
        val (json, model) = SentencePiece.read(file.toString(), bytes)
        val beginning = listOfNotNull(model.beginning).takeUnless { ends.addsBeginning == false }.orEmpty()
        return HuggingFaceTokenizers(file.toString(), json.bytes(), beginning) { _, _ ->
            ends.stops(listOfNotNull(model.beginning), listOfNotNull(model.end))
        }
    }

    private fun gpt2(vocabulary: Path, merges: Path, ends: EndsOfText): Tokenizer {
        val json = Gpt2Vocabulary.read(
            vocabulary.toString(),
            bytes(vocabulary).decodeToString(),
            merges.toString(),
            bytes(merges).decodeToString(),
        )
        return HuggingFaceTokenizers("$vocabulary, $merges", json.bytes(), beginning = null) { idOf, beginning ->
            ends.stops(beginning, listOfNotNull(idOf(Gpt2Vocabulary.END)))
        }
    }

    private fun JsonObject.bytes() = toString().toByteArray()

    private fun bytes(file: Path): ByteArray = try {
        if (file.fileSize() > LARGEST) throw Refusal("$file: ${file.fileSize()} bytes; no tokenizer is larger than $LARGEST")
        file.readBytes()
    } catch (e: IOException) {
        throw Refusal("$file: cannot be read (${e.message})")
    }
}
