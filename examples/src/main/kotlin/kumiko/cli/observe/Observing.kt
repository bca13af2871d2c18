package kumiko.cli.observe

import com.github.ajalt.mordant.terminal.Terminal
import kumiko.cli.LoadedModel
import kumiko.cli.loadModel
import kumiko.cli.options
import kumiko.cli.refuse
import kumiko.cli.refusing
import kumiko.cli.text.Tokenizer
import kumiko.cli.text.TokenizerFiles
import java.nio.file.Files
import java.nio.file.Path

/** What a checkpoint is run on: ids, or a text for the tokenizers beside the checkpoints. */
internal sealed interface Prompt {
    class Ids(val ids: IntArray) : Prompt

    class Text(val text: String) : Prompt
}

/** One or two checkpoints, by folder and by the name they go under, and what is needed to run them on one sequence. */
internal class Observing(private val folders: List<Path>, private val names: List<String>) : AutoCloseable {
    init {
        if (folders.size > 2) refuse("--ids and --text look into one checkpoint or compare two, not ${folders.size}. Name fewer.")
        folders.firstOrNull { !Files.isDirectory(it) }?.let {
            refuse("$it: is no directory with a checkpoint, and --ids and --text need weights to run. Name a checkpoint directory.")
        }
    }

    private val tokenizers: List<Tokenizer?> = folders.map { TokenizerFiles.open(it) }
    private val models = ArrayList<LoadedModel>()

    /** @throws kumiko.cli.Refusal if the models have no common vocabulary, or the prompt does not fit them */
    fun run(prompt: Prompt, threads: Int?, terminal: Terminal): Observed {
        val ids = when (prompt) {
            is Prompt.Ids -> prompt.ids
            is Prompt.Text -> encoded(prompt.text)
        }
        if (ids.size > MOST_TOKENS) refuse("${ids.size} tokens are too many to look at; give at most $MOST_TOKENS.")
        folders.forEach { models += loadModel(it, terminal = terminal) }
        checkVocabulary(ids)
        val words = tokenizers.map { TokenWords(it) }
        val observed = refusing {
            Observer(models, names, ids, options(threads)).observe(words.firstOrNull { it.isText } ?: words.first(), terminal)
        }
        if (words.all { it.isText }) checkWords(words, observed.mentioned)
        return observed
    }

    private fun encoded(text: String): IntArray {
        val encoded = tokenizers.map { it?.prompt(text)?.toList() }
        val known = encoded.filterNotNull()
        if (known.isEmpty()) {
            refuse(
                "${folders.first()}: no tokenizer lies beside the checkpoint (looked for ${TokenizerFiles.KNOWN.joinToString(", ")}). " +
                    "Copy it there, or give token ids with --ids.",
            )
        }
        if (known.distinct().size > 1) {
            refuse(
                "${folders[0]} and ${folders[1]} make different tokens of the text (${known[0].size} and ${known[1].size}), " +
                    "so their logits cannot be held against each other. Compare checkpoints of one vocabulary, or give ids with --ids.",
            )
        }
        if (known.first().isEmpty()) refuse(NOTHING)
        return known.first().toIntArray()
    }

    private fun checkVocabulary(ids: IntArray) {
        val sizes = models.map { it.graph.output().type().width() }
        if (sizes.distinct().size > 1) {
            refuse(
                "${folders[0]} has a vocabulary of ${sizes[0]} tokens and ${folders[1]} one of ${sizes[1]}, so their logits cannot be " +
                    "held against each other. Compare checkpoints of one vocabulary, or look into one alone.",
            )
        }
        ids.firstOrNull { it !in 0..<sizes[0] }?.let {
            refuse("Token id $it is outside the vocabulary of ${folders[0]}, which has ids 0 to ${sizes[0] - 1}.")
        }
    }

    private fun checkWords(words: List<TokenWords>, ids: Set<Int>) {
        ids.firstOrNull { id -> words.distinctBy { it.word(id) }.size > 1 }?.let { id ->
            refuse(
                "${folders[0]} and ${folders[1]} have different vocabularies: token $id is ${words[0].quoted(id)} in one and " +
                    "${words[1].quoted(id)} in the other. Compare checkpoints of one vocabulary, or look into one alone.",
            )
        }
    }

    override fun close() {
        models.forEach { it.close() }
        tokenizers.forEach { it?.close() }
    }

    private companion object {
        const val NOTHING = "The text is empty, and there is no token that begins a text. Write at least one character."

        /** A value has a row for each token, an attention map a square: what is looked at stays small. */
        const val MOST_TOKENS = 256
    }
}
