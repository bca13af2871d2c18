package kumiko.cli.observe

import kumiko.cli.text.Tokenizer

/** How token ids are called: by the tokenizer beside a checkpoint, or by their number where there is none. */
internal class TokenWords(private val tokenizer: Tokenizer?) {
    val isText: Boolean get() = tokenizer != null

    private val known = HashMap<Int, String>()

    /** Some decoders drop a blank at the very beginning, so a token is read behind another one. */
    private val before = tokenizer?.encode("a") ?: IntArray(0)

    /** Blanks and line ends are made visible. */
    fun word(id: Int): String = known.getOrPut(id) {
        val text = tokenizer?.run { decode(before + id).removePrefix(decode(before)) } ?: return@getOrPut "$id"
        text.map {
            if (it == ' ') {
                '·'
            } else if (it == '\n') {
                '⏎'
            } else if (it == '\t') {
                '→'
            } else {
                it
            }
        }.joinToString("").ifEmpty { "$id" }
    }

    /** A word in quotes, or `token 17`. */
    fun quoted(id: Int): String = if (isText) "\"${word(id)}\"" else "token $id"
}
