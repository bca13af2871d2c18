package kumiko.cli.text

/**
 * GPT-2's printable alphabet for bytes (Radford et al. 2019; `bytes_to_unicode` in openai/gpt-2, encoder.py): printable bytes stand
 * for themselves, the others for the characters from U+0100 on, in order.
 */
internal object ByteAlphabet {
    private val characters: CharArray = run {
        var next = '\u0100'
        CharArray(256) { byte -> if (printable(byte)) byte.toChar() else next++ }
    }

    fun write(bytes: ByteArray): String = String(CharArray(bytes.size) { characters[bytes[it].toInt() and 0xff] })

    private fun printable(byte: Int) = byte in 0x21..0x7e || byte in 0xa1..0xac || byte in 0xae..0xff
}
