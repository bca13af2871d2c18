package kumiko.cli.text

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Path
import java.util.Base64
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText

/** Small vocabularies in the published formats, written by the tests themselves. */
internal object TinyTokenizers {
    /** All bytes, then a few merges: "he" 256, "hell" is missing on purpose, "ll" 257, "hello" 258, " w" 259. */
    fun tiktoken(folder: Path) {
        val tokens = (0..255).map { byteArrayOf(it.toByte()) } + listOf("he", "ll", "hello", " w").map(String::toByteArray)
        val lines = tokens.mapIndexed { rank, bytes -> "${Base64.getEncoder().encodeToString(bytes)} $rank\n" }
        folder.resolve("tokenizer.model").writeText(lines.joinToString(""))
    }

    fun gpt2(folder: Path) {
        val alphabet = (0..255).map { ByteAlphabet.write(byteArrayOf(it.toByte())) }
        val merges = listOf("h e", "l l", "he ll", "hell o", "\u0120 w")
        val tokens = alphabet + merges.map { it.replace(" ", "") } + "<|endoftext|>"
        val entries = tokens.mapIndexed { id, token -> kotlinx.serialization.json.JsonPrimitive(token).toString() + ": $id" }
        folder.resolve("vocab.json").writeText(entries.joinToString(prefix = "{", postfix = "}"))
        folder.resolve("merges.txt").writeText("#version: 0.2\n" + merges.joinToString("\n", postfix = "\n"))
    }

    /** `<unk>`, `<s>`, `</s>`, the 256 bytes, then pieces with falling scores. Model type 2 is byte pairs, 1 is unigram. */
    fun sentencePiece(folder: Path, type: Long = 2) {
        val words = listOf("\u2581h", "el", "lo", "\u2581hel", "\u2581hello", "\u2581", "h", "e", "l", "o", "w")
        val pieces = listOf(piece("<unk>", 0f, 2), piece("<s>", 0f, 3), piece("</s>", 0f, 3)) +
            (0..255).map { piece("<0x%02X>".format(it), 0f, 6) } + words.mapIndexed { i, word -> piece(word, -i.toFloat(), 1) }
        val trainer = varint(3, type) + varint(35, 1)
        val normalizer = varint(3, 1) + varint(4, 0)
        folder.resolve("tokenizer.model").writeBytes(
            pieces.map { bytes(1, it) }.reduce(ByteArray::plus) + bytes(2, trainer) + bytes(3, normalizer),
        )
    }

    private fun piece(text: String, score: Float, kind: Long) =
        bytes(1, text.toByteArray()) + key(2, 5) + ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(score).array() +
            varint(3, kind)

    fun bytes(field: Int, value: ByteArray): ByteArray = key(field, 2) + number(value.size.toLong()) + value

    private fun varint(field: Int, value: Long) = key(field, 0) + number(value)

    private fun key(field: Int, type: Int) = number((field.toLong() shl 3) or type.toLong())

    private fun number(value: Long): ByteArray {
        val out = ByteArrayOutputStream()
        var rest = value
        while (rest >= 0x80) {
            out.write((rest and 0x7f or 0x80).toInt())
            rest = rest ushr 7
        }
        out.write(rest.toInt())
        return out.toByteArray()
    }
}
