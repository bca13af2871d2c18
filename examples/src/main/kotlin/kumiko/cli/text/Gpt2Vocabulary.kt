package kumiko.cli.text

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kumiko.cli.Refusal

/** GPT-2's pair of files: `vocab.json` (token to id) and `merges.txt` (one merge per line, best first). openai/gpt-2, encoder.py. */
internal object Gpt2Vocabulary {
    const val END = "<|endoftext|>"

    fun read(vocabularyName: String, vocabulary: String, mergesName: String, merges: String): JsonObject {
        val ids = try {
            Json.decodeFromString<Map<String, Int>>(vocabulary)
        } catch (e: SerializationException) {
            throw Refusal("$vocabularyName: not a table of tokens and ids (${e.message?.lineSequence()?.first()})")
        }
        return TokenizerJson.file(
            added = listOfNotNull(ids[END]?.let { TokenizerJson.Added(it, END, special = true) }),
            normalizer = null,
            preTokenizer = TokenizerJson.byteLevel(ownSplit = true),
            beginning = null,
            decoder = TokenizerJson.byteLevel(ownSplit = true),
            model = TokenizerJson.bytePairs(ids, pairs(mergesName, merges, ids)) {},
        )
    }

    private fun pairs(name: String, text: String, ids: Map<String, Int>): List<Pair<String, String>> = text.lineSequence().withIndex()
        .filterNot { (i, line) -> line.isEmpty() || (i == 0 && line.startsWith("#version")) }
        .map { (i, line) ->
            val parts = line.split(' ')
            val unknown = if (parts.size == 2) (parts + parts.joinToString("")).find { it !in ids } else null
            if (parts.size != 2) throw Refusal("$name: line ${i + 1} is not two tokens separated by a blank: '$line'")
            if (unknown != null) throw Refusal("$name: line ${i + 1} names '$unknown', which the vocabulary lacks")
            parts[0] to parts[1]
        }.toList()
}
