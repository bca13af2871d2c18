package kumiko.cli.evaluate

import kumiko.cli.parseIds
import kumiko.cli.refuse
import kumiko.cli.text.Tokenizer
import kumiko.cli.text.TokenizerFiles
import java.nio.charset.CharacterCodingException
import java.nio.file.Files
import java.nio.file.Path

/** A text to measure with, as a FILE argument or `--ids` gives it. */
internal class TextIds(private val file: String?, private val ids: String?) {
    init {
        if ((file == null) == (ids == null)) refuse("Say what to measure with: either a text FILE or --ids 1,2,3.")
    }

    /** What to call it. */
    val name: String get() = file ?: "the given ids"

    /** Its ids for the checkpoint in [folder]; a text is cut by the tokenizer that lies there. */
    fun of(folder: Path): IntArray = if (ids != null) parseIds(ids) else tokenizer(folder).use { encode(it) }

    /** The same for two checkpoints, whose tokenizers must cut it alike; one that lies beside the first only cuts for both. */
    fun ofBoth(first: Path, second: Path): IntArray {
        val found = of(first)
        if (ids == null) TokenizerFiles.open(second)?.use { requireSame(first, found, second, encode(it)) }
        return found
    }

    private fun requireSame(first: Path, left: IntArray, second: Path, right: IntArray) {
        if (left.contentEquals(right)) return
        val at = (0..maxOf(left.size, right.size)).first { left.getOrNull(it) != right.getOrNull(it) }
        fun told(ids: IntArray) = ids.getOrNull(at)?.let { "id $it" } ?: "the end"
        refuse(
            "The tokenizers beside $first and $second cut $name differently: at place $at the first has ${told(left)}, the second " +
                "${told(right)}. Agreement is between models of one vocabulary; give --ids to compare them all the same.",
        )
    }

    private fun encode(tokenizer: Tokenizer): IntArray = tokenizer.prompt(text)

    private val text: String by lazy {
        val path = Path.of(file!!)
        if (!Files.isRegularFile(path)) refuse("$path: there is no such file")
        if (Files.size(path) > LARGEST) refuse("$path: ${Files.size(path)} bytes; texts of up to $LARGEST bytes are read")
        try {
            Files.readString(path)
        } catch (_: CharacterCodingException) {
            refuse("$path: is no text in UTF-8")
        }
    }

    private fun tokenizer(folder: Path): Tokenizer = TokenizerFiles.open(folder) ?: refuse(
        "$folder: no tokenizer lies beside the checkpoint (looked for ${TokenizerFiles.KNOWN.joinToString(", ")}). " +
            "Copy it there, or give token ids with --ids.",
    )

    private companion object {
        const val LARGEST = 256L shl 20
    }
}
