package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.groups.provideDelegate
import com.github.ajalt.clikt.parameters.options.default
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.int
import com.github.ajalt.clikt.parameters.types.restrictTo
import kotlinx.serialization.json.add
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kumiko.cli.generate.Beginning
import kumiko.cli.generate.Ending
import kumiko.cli.generate.Generation
import kumiko.cli.generate.Sampling
import kumiko.cli.text.EndsOfText
import kumiko.cli.text.Tokenizer
import kumiko.cli.text.TokenizerFiles
import java.nio.file.Files
import java.nio.file.Path

/** `kumiko generate`. */
class GenerateCommand : KumikoCommand("generate", "Writes on from a text, from token ids, or from a saved session, with a checkpoint.") {
    private val checkpoint by argument().help(CHECKPOINT_HELP)
    private val prompt by option("--prompt", metavar = "TEXT").help("text to continue, by the tokenizer beside the checkpoint")
    private val ids by option("--ids", metavar = "1,2,3").help("token ids to continue")
    private val tokens by option(
        "--tokens",
        metavar = "N",
    ).int().restrictTo(min = 1).default(TOKENS).help("how many at most (default $TOKENS)")
    private val resume by option("--resume", metavar = "FILE").help("a session of --save, to go on with as if it had never stopped")
    private val save by option("--save", metavar = "FILE").help("write the session at the end, to go on with later")
    private val sampling by Sampling()
    private val threads by threadsOption()
    private val arithmetic by arithmeticOption()
    private val layers by layersOption()
    private val prefix by prefixOption()
    private val quantize by quantizeOption()

    override fun run() {
        if (listOfNotNull(prompt, ids, resume).size != 1) {
            refuse("Say what to continue: one of --prompt TEXT, --ids 1,2,3 and --resume FILE.")
        }
        save?.let(::requireFolder)
        val folder = Path.of(checkpoint)
        val saved = resume?.let { Beginning.saved(Path.of(it)) }
        if (prompt != null || saved?.isText == true) {
            tokenizer(folder).use { write(folder, saved ?: Beginning.Prompt(promptIds(it), isText = true), it.stops, it) }
        } else {
            val beginning = saved ?: Beginning.Prompt(parseIds(ids!!), isText = false)
            write(folder, beginning, EndsOfText.read(folder).ids, null)
        }
    }

    /** Before a long text is written, not after it. */
    private fun requireFolder(file: String) {
        val folder = Path.of(file).toAbsolutePath().parent
        if (folder == null || !Files.isDirectory(folder)) refuse("--save $file: there is no folder $folder to write it into.")
    }

    private fun tokenizer(folder: Path): Tokenizer = TokenizerFiles.open(folder) ?: refuse(
        "$folder: no tokenizer lies beside the checkpoint (looked for ${TokenizerFiles.KNOWN.joinToString(", ")}). " +
            "Copy it there, or give token ids with --ids.",
    )

    private fun promptIds(tokenizer: Tokenizer): IntArray = tokenizer.prompt(prompt!!).also {
        if (it.isEmpty()) {
            refuse("The prompt is empty, and ${tokenizer.source} has no token that begins a text. Write at least one character.")
        }
    }

    private fun write(folder: Path, beginning: Beginning, stops: Set<Int>, tokenizer: Tokenizer?) {
        val sampler = sampling.sampler { echo("seed $it", err = true) }
        val written = ArrayList<Int>()
        val stream = tokenizer?.stream(beginning.ids)
        loadModel(folder, layers, terminal, quantize, prefix).use { model ->
            if (!json && tokenizer != null) show(tokenizer.plain(beginning.ids))
            val outcome = refusing {
                Generation(
                    model.graph,
                    model.weights,
                    options(threads, arithmetic = arithmetic),
                ).run(beginning, tokens, stops, sampler, save?.let(Path::of)) { id ->
                    if (!json) show(stream?.push(id) ?: if (written.isEmpty()) "$id" else ",$id")
                    written += id
                }
            }
            if (json) printJson(report(beginning.ids, written, tokenizer, outcome.ending)) else show(stream?.finish().orEmpty() + "\n")
            if (!json && outcome.ending == Ending.POSITIONS) echo("${model.name} has no more positions; the text ends here", err = true)
            if (save != null && !outcome.isSaved) {
                refuse(
                    "--save $save: ${model.name} has no position for another token, so nothing was saved.",
                )
            }
        }
    }

    private fun report(prompt: IntArray, written: List<Int>, tokenizer: Tokenizer?, ending: Ending) = buildJsonObject {
        putJsonArray("prompt") { prompt.forEach { add(it) } }
        putJsonArray("ids") { written.forEach { add(it) } }
        tokenizer?.let { put("text", it.plain(prompt + written)) }
        put("ended", ending.word)
    }

    /** At once: a text is read while it is written. */
    private fun show(text: String) {
        terminal.rawPrint(text)
        System.out.flush()
    }

    private companion object {
        const val TOKENS = 128
    }
}
