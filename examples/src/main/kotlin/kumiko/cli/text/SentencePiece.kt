package kumiko.cli.text

import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.add
import kotlinx.serialization.json.addJsonArray
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kumiko.cli.Refusal
import java.nio.ByteBuffer
import java.util.Base64

/**
 * A SentencePiece `tokenizer.model` (google/sentencepiece, sentencepiece_model.proto), byte-pair or unigram. The JVM binding of that
 * library hands text through JNI's modified UTF-8 and so breaks characters outside the first plane; the same model read into a
 * `tokenizer.json` does not, and needs no second native library.
 */
internal class SentencePiece private constructor(private val name: String, bytes: ByteArray) {
    private class Piece(val text: String, val score: Float, val kind: Int)

    private val model = ProtobufReader(name, ByteBuffer.wrap(bytes)).fields()
    private val pieces = model.filter { it.number == PIECES }.map(::piece)
    private val trainer = message(TRAINER)
    private val normalizer = message(NORMALIZER)
    private val unknown = pieces.indexOfFirst { it.kind == UNKNOWN }

    /** Ids of the control pieces; null where the model has none. */
    val beginning: Int? = control(BOS_ID, absent = 1)
    val end: Int? = control(EOS_ID, absent = 2)

    private fun message(number: Int): Map<Int, ProtobufReader.Field> = model.lastOrNull { it.number == number }
        ?.let { field -> ProtobufReader(name, field.value as? ByteBuffer ?: refuse("part $number is not a message")).fields() }
        .orEmpty().associateBy { it.number }

    private fun piece(field: ProtobufReader.Field): Piece {
        val parts = ProtobufReader(name, field.value as? ByteBuffer ?: refuse("a piece is not a message")).fields().associateBy {
            it.number
        }
        val text = if (parts[1]?.value is ByteBuffer) parts.getValue(1).text() else refuse("a piece has no text")
        if (text.length > Merges.LONGEST) refuse("a piece has ${text.length} characters; the longest allowed is ${Merges.LONGEST}")
        return Piece(text, parts[2]?.value as? Float ?: 0f, (parts[3]?.value as? Long ?: 1L).toInt())
    }

    private fun control(field: Int, absent: Int): Int? =
        (trainer[field]?.value as? Long ?: absent.toLong()).toInt().takeIf { pieces.getOrNull(it)?.kind == CONTROL }

    private fun says(part: Map<Int, ProtobufReader.Field>, field: Int, absent: Boolean) =
        (part[field]?.value as? Long)?.let { it != 0L } ?: absent

    private fun json(): JsonObject {
        if (pieces.isEmpty()) refuse("it has no pieces")
        if (unknown < 0) refuse("it has no piece for what is unknown")
        if (says(trainer, WHITESPACE_AS_SUFFIX, absent = false)) refuse("it writes blanks behind words, which is not supported")
        val added = pieces.withIndex().filter { it.value.kind == CONTROL || it.value.kind == UNKNOWN || it.value.kind == USER_DEFINED }
            .map { (id, piece) -> TokenizerJson.Added(id, piece.text, special = piece.kind != USER_DEFINED) }
        return TokenizerJson.file(
            added = added,
            normalizer = TokenizerJson.sequence("normalizers", normalizers()),
            preTokenizer = null,
            beginning = beginning?.let { id -> added.first { it.id == id } },
            decoder = decoder(),
            model = when (val type = trainer[MODEL_TYPE]?.value ?: UNIGRAM) {
                UNIGRAM -> unigram()
                BYTE_PAIRS -> bytePairs()
                else -> refuse("it is of model type $type; known are 1 (unigram) and 2 (byte pairs)")
            },
        )
    }

    private fun normalizers(): List<JsonElement> = buildList {
        (normalizer[CHARSMAP]?.value as? ByteBuffer)?.takeIf { it.hasRemaining() }?.let { map ->
            val bytes = ByteArray(map.remaining()).also { map.duplicate().get(it) }
            add(TokenizerJson.typed("Precompiled") { put("precompiled_charsmap", Base64.getEncoder().encodeToString(bytes)) })
        }
        if (says(normalizer, REMOVE_EXTRA_WHITESPACE, absent = true)) {
            add(TokenizerJson.replace("Regex" to "\\A +| +\\z", ""))
            add(TokenizerJson.replace("Regex" to " {2,}", " "))
        }
        if (dummyPrefix) add(TokenizerJson.typed("Prepend") { put("prepend", BLANK) })
        add(TokenizerJson.replace("String" to " ", BLANK))
    }

    private fun decoder() = TokenizerJson.sequence(
        "decoders",
        buildList {
            add(TokenizerJson.replace("String" to BLANK, " "))
            if (byteFallback) add(TokenizerJson.typed("ByteFallback"))
            add(TokenizerJson.typed("Fuse"))
            if (dummyPrefix) {
                add(
                    TokenizerJson.typed("Strip") {
                        put("content", " ")
                        put("start", 1)
                        put("stop", 0)
                    },
                )
            }
        },
    )

    private val dummyPrefix get() = says(normalizer, DUMMY_PREFIX, absent = true)
    private val byteFallback get() = says(trainer, BYTE_FALLBACK, absent = false)

    private fun bytePairs(): JsonObject {
        val ids = pieces.withIndex().associate { (id, piece) -> piece.text to id }
        if (ids.size != pieces.size) refuse("two of its pieces have the same text")
        val merged = pieces.filter { it.kind == NORMAL }.sortedByDescending { it.score }.map { it.text }
        val merges = Merges.of(merged, compareByDescending<Pair<String, String>> { it.first.length }.thenByDescending { it.second.length })
        return TokenizerJson.bytePairs(ids, merges) {
            put("unk_token", pieces[unknown].text)
            put("fuse_unk", true)
            put("byte_fallback", byteFallback)
        }
    }

    private fun unigram() = TokenizerJson.typed("Unigram") {
        put("unk_id", unknown)
        put("byte_fallback", byteFallback)
        putJsonArray("vocab") {
            pieces.forEach { piece ->
                addJsonArray {
                    add(piece.text)
                    add(piece.score)
                }
            }
        }
    }

    private fun refuse(reason: String): Nothing = throw Refusal("$name: cannot be used as a SentencePiece model: $reason.")

    companion object {
        private const val BLANK = "\u2581"
        private const val PIECES = 1
        private const val TRAINER = 2
        private const val NORMALIZER = 3
        private const val MODEL_TYPE = 3
        private const val UNIGRAM = 1L
        private const val BYTE_PAIRS = 2L
        private const val WHITESPACE_AS_SUFFIX = 24
        private const val BYTE_FALLBACK = 35
        private const val BOS_ID = 41
        private const val EOS_ID = 42
        private const val CHARSMAP = 2
        private const val DUMMY_PREFIX = 3
        private const val REMOVE_EXTRA_WHITESPACE = 4
        private const val NORMAL = 1
        private const val UNKNOWN = 2
        private const val CONTROL = 3
        private const val USER_DEFINED = 4

        fun read(name: String, bytes: ByteArray): Pair<JsonObject, SentencePiece> {
            val model = SentencePiece(name, bytes)
            return model.json() to model
        }
    }
}
