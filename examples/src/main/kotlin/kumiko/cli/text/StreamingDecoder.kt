package kumiko.cli.text

/**
 * Turns ids that come one by one into text without ever splitting a character: what may still be the beginning of one is held back.
 * One token may end in the middle of a UTF-8 character; decoded, that half is a U+FFFD at the end. For ids whose bytes are valid
 * UTF-8, all pieces together are the text of all ids.
 *
 * @param context the ids before the first one: some decoders drop a blank at the very beginning, so the text of an id depends on them
 */
class StreamingDecoder(context: IntArray, private val decode: (IntArray) -> String) {
    private var window = context
    private var shown = decode(context).length

    /** Where the text of the window was last cut between two characters. */
    private var cut = 0

    /** The text that is certain now that this id is known; often empty in the middle of a character. */
    fun push(id: Int): String {
        window += id
        val text = decode(window)
        val whole = text.trimEnd(REPLACEMENT)
        val piece = whole.drop(shown)
        shown = maxOf(shown, whole.length)
        if (whole.length == text.length && window.size - cut >= CONTEXT) forget()
        return piece
    }

    /** What was held back; a character that never became whole shows as U+FFFD. */
    fun finish(): String = decode(window).drop(shown)

    /** Keeps only the latest ids as context: the work per id must not grow with the text. */
    private fun forget() {
        window = window.copyOfRange(cut, window.size)
        shown = decode(window).length
        cut = window.size
    }

    private companion object {
        const val REPLACEMENT = '\uFFFD'
        const val CONTEXT = 8
    }
}
