package kumiko.cli.text

/** Text to token ids and back, as the files beside a checkpoint say. */
interface Tokenizer : AutoCloseable {
    /** The files it was read from, for messages. */
    val source: String

    /** The ids every prompt of this model begins with; empty where the tokenizer adds none. */
    val beginning: List<Int>

    /** The ids that end a text: end of sequence, end of turn, and the beginning of another text. */
    val stops: Set<Int>

    /** Ids of the text alone. Text written like a special token becomes that token. */
    fun encode(text: String): IntArray

    /** What the model is given for this text: [beginning], then its ids. */
    fun prompt(text: String): IntArray = beginning.toIntArray() + encode(text)

    /** The text of these ids, special tokens written out. */
    fun decode(ids: IntArray): String

    /** The text of these ids without special tokens, as a reader wants it. */
    fun plain(ids: IntArray): String

    /** A decoder for ids that come one by one after [prompt]. */
    fun stream(prompt: IntArray): StreamingDecoder = StreamingDecoder(prompt, ::plain)
}
