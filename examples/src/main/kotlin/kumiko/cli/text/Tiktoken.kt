package kumiko.cli.text

import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonObject
import kumiko.cli.Refusal
import java.util.Base64

/**
 * The `tokenizer.model` of LLaMA 3: one line per token, base64 of its bytes and its rank. The file holds neither the pattern that
 * splits a text nor the special tokens; both are from meta-llama/llama3, llama/tokenizer.py.
 */
internal object Tiktoken {
    private const val LLAMA3_SPLIT =
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

    const val BEGIN = "<|begin_of_text|>"
    val ENDS = listOf("<|end_of_text|>", "<|eot_id|>")

    /** 256 names; their ids follow the last rank. */
    private val llama3Specials: List<String> = listOf(BEGIN, "<|end_of_text|>") + reserved(0..3) +
        listOf("<|start_header_id|>", "<|end_header_id|>") + reserved(4..4) + "<|eot_id|>" + reserved(5..250)

    private fun reserved(numbers: IntRange) = numbers.map { "<|reserved_special_token_$it|>" }

    private val line = Regex("([A-Za-z0-9+/]+={0,2}) ([0-9]{1,7})")

    /** Whether a file that begins like this is one of these. */
    fun recognises(head: ByteArray): Boolean {
        val first = String(head, Charsets.ISO_8859_1).lineSequence().first()
        return line.matches(first)
    }

    fun read(name: String, bytes: ByteArray): JsonObject {
        val ranks = ranks(name, String(bytes, Charsets.ISO_8859_1))
        val merges = Merges.of(ranks.keys.toList(), compareBy({ ranks.getValue(it.first) }, { ranks.getValue(it.second) }))
        val specials = llama3Specials.mapIndexed { i, content -> TokenizerJson.Added(ranks.size + i, content, special = true) }
        val split = TokenizerJson.typed("Split") {
            putJsonObject("pattern") { put("Regex", LLAMA3_SPLIT) }
            put("behavior", "Isolated")
            put("invert", false)
        }
        return TokenizerJson.file(
            added = specials,
            normalizer = null,
            preTokenizer = TokenizerJson.sequence("pretokenizers", listOf(split, TokenizerJson.byteLevel(ownSplit = false))),
            beginning = specials.first(),
            decoder = TokenizerJson.byteLevel(ownSplit = true),
            // A piece that is a token needs no merges, whether or not they would lead to it.
            model = TokenizerJson.bytePairs(ranks, merges) { put("ignore_merges", true) },
        )
    }

    /** Tokens in the byte alphabet, in the order of their ranks, which must be 0, 1, 2, ... */
    private fun ranks(name: String, text: String): Map<String, Int> {
        val ranks = LinkedHashMap<String, Int>()
        text.lineSequence().filter { it.isNotEmpty() }.forEachIndexed { i, entry ->
            val (base64, rank) = line.matchEntire(entry)?.destructured ?: refuse(name, i, "is not a base64 token and a rank")
            val bytes = runCatching { Base64.getDecoder().decode(base64) }.getOrElse { refuse(name, i, "is not valid base64") }
            if (bytes.size > Merges.LONGEST) refuse(name, i, "is a token of ${bytes.size} bytes; the longest allowed is ${Merges.LONGEST}")
            if (rank.toInt() != i) refuse(name, i, "has rank $rank, but ranks count lines, from 0")
            if (ranks.put(ByteAlphabet.write(bytes), i) != null) refuse(name, i, "repeats an earlier token")
        }
        return ranks
    }

    private fun refuse(name: String, line: Int, reason: String): Nothing =
        throw Refusal("$name: line ${line + 1} $reason. The file is damaged, or is no tiktoken vocabulary.")
}
