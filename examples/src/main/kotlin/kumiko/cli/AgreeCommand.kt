package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.arguments.optional
import com.github.ajalt.clikt.parameters.groups.provideDelegate
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import kotlinx.serialization.json.JsonObjectBuilder
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonObject
import kumiko.cli.evaluate.Agreement
import kumiko.cli.evaluate.Comparing
import kumiko.cli.evaluate.ContextOptions
import kumiko.cli.evaluate.Evaluated
import kumiko.cli.evaluate.TextIds
import kumiko.cli.evaluate.Window
import java.nio.file.Path
import java.util.Locale

/** `kumiko agree`. */
class AgreeCommand : KumikoCommand("agree", "How often two checkpoints predict the same next token, and how far apart they are.") {
    private val first by argument().help(CHECKPOINT_HELP)
    private val second by argument().help("another one, of the same vocabulary")
    private val file by argument().optional().help("a text in UTF-8, by the tokenizer beside the first checkpoint")
    private val ids by option("--ids", metavar = "1,2,3").help("token ids instead of a text")
    private val window by ContextOptions()
    private val threads by threadsOption()
    private val arithmetic by arithmeticOption()

    override fun run() {
        val text = TextIds(file, ids)
        loadModel(Path.of(first), terminal = terminal).use { left ->
            loadModel(Path.of(second), terminal = terminal).use { right ->
                val found = text.ofBoth(Path.of(first), Path.of(second))
                val (context, stride) = window.of(found.size, left.graph, right.graph)
                val result = compare(left, right, found, Window.over(found.size, context, stride))
                if (json) {
                    printJson(
                        buildJsonObject {
                            put("first", left.name)
                            put("second", right.name)
                            put("text", text.name)
                            put("context", context)
                            put("stride", stride)
                            agreement(result)
                        },
                    )
                } else {
                    terminal.rawPrint("${left.name} and ${right.name} on ${text.name}\n${result.told()}")
                }
            }
        }
    }

    private fun compare(left: LoadedModel, right: LoadedModel, ids: IntArray, windows: List<Window>): Agreement {
        val size = windows.maxOf { it.end - it.from }
        val options = options(threads, arithmetic = arithmetic)
        for (model in listOf(left, right)) Evaluated.requireIds(model.graph, ids)
        return Progress(terminal, "comparing").use { progress ->
            refusing {
                Evaluated(left.graph, left.weights, options, size).use { a ->
                    Evaluated(right.graph, right.weights, options, size).use { b ->
                        Comparing(a, b, ids).run(windows) { progress.at(it.toLong(), ids.size.toLong(), "$it of ${ids.size} ids") }
                    }
                }
            }
        }
    }
}

/** What was found, in sentences. */
internal fun Agreement.told(): String {
    fun number(value: Double) = "%.3e".format(Locale.ROOT, value)
    val first = parting?.let { "first parted behind id ${it.position}: ${it.first} against ${it.second}" } ?: "never parted"
    return "same most probable id at ${grouped(equal.toLong())} of ${grouped(positions.toLong())} positions " +
        "(${"%.2f".format(Locale.ROOT, 100 * share)} %), $first\n" +
        "KL divergence ${number(divergence)} nats on average, ${number(largestDivergence)} at most (behind id $divergesMost)\n" +
        "logits differ by up to ${number(largestDifference)}\n"
}

/** The same for programs. */
internal fun JsonObjectBuilder.agreement(result: Agreement) {
    put("positions", result.positions)
    put("equal", result.equal)
    put("share", result.share.takeIf { it.isFinite() })
    put("klMean", result.divergence.takeIf { it.isFinite() })
    put("klMax", result.largestDivergence.takeIf { it.isFinite() })
    put("klMaxPosition", result.divergesMost)
    put("logitMaxAbs", result.largestDifference.takeIf { it.isFinite() })
    result.parting?.let {
        putJsonObject("firstParting") {
            put("position", it.position)
            put("first", it.first)
            put("second", it.second)
        }
    }
}
