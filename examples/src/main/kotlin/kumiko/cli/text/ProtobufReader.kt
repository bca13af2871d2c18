package kumiko.cli.text

import kumiko.cli.Refusal
import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Reads the fields of one protocol-buffers message (protobuf.dev, encoding guide); enough for SentencePiece models. */
internal class ProtobufReader(private val name: String, private val buffer: ByteBuffer) {
    /** One field's number and value: a [Long] for integers, a [Float], or a [ByteBuffer] for text, bytes and messages. */
    data class Field(val number: Int, val value: Any) {
        fun text(): String = Charsets.UTF_8.decode((value as ByteBuffer).duplicate()).toString()
    }

    init {
        buffer.order(ByteOrder.LITTLE_ENDIAN)
    }

    fun fields(): List<Field> = buildList {
        while (buffer.hasRemaining()) {
            val key = varint()
            val number = (key ushr 3).toInt()
            when ((key and 7).toInt()) {
                0 -> add(Field(number, varint()))
                1 -> add(Field(number, take(8L).getLong()))
                2 -> add(Field(number, take(varint())))
                5 -> add(Field(number, take(4L).getFloat()))
                else -> broken("field $number has wire type ${key and 7}")
            }
        }
    }

    private fun take(length: Long): ByteBuffer {
        if (length < 0 || length > buffer.remaining()) broken("a field of $length bytes goes beyond the end")
        val slice = buffer.slice(buffer.position(), length.toInt()).order(ByteOrder.LITTLE_ENDIAN)
        buffer.position(buffer.position() + length.toInt())
        return slice
    }

    private fun varint(): Long {
        var value = 0L
        for (shift in 0..<64 step 7) {
            if (!buffer.hasRemaining()) broken("it ends in the middle of a number")
            val byte = buffer.get().toLong()
            value = value or ((byte and 0x7f) shl shift)
            if (byte >= 0) return value
        }
        broken("a number has more than ten bytes")
    }

    private fun broken(reason: String): Nothing =
        throw Refusal("$name: not a SentencePiece model: $reason. The file is damaged, or is something else.")
}
