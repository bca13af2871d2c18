package kumiko.cli.observe

import kumiko.cli.text.Tokenizer

/** How token ids are called: by the tokenizer beside a checkpoint, or by their number where there is none. */
internal class TokenWords(private val tokenizer: Tokenizer?) {
    val isText: Boolean get() = tokenizer != null

    private val known = HashMap<Int, String>()

    /** Some decoders drop a blank at the very beginning, so a token is read behind another one. */
    private val before = tokenizer?.encode("a") ?: IntArray(0)

    /** Blanks, line ends and control characters are made visible. */
    fun word(id: Int): String = known.getOrPut(id) {
        val text = tokenizer?.run { decode(before + id).removePrefix(decode(before)) }.orEmpty()
        text.map(::visible).joinToString("").ifEmpty { "$id" }
    }

    /** A word in quotes, or `token 17`. */
    fun quoted(id: Int): String = if (isText) "\"${word(id)}\"" else "token $id"

    private fun visible(char: Char): String = when {
        char == ' ' -> "·"
        char == '\n' -> "⏎"
        char.isISOControl() -> "\\x%02x".format(char.code)
        else -> "$char"
    }
}
