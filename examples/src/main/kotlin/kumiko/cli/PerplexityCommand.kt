package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.arguments.optional
import com.github.ajalt.clikt.parameters.groups.provideDelegate
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kumiko.cli.evaluate.ContextOptions
import kumiko.cli.evaluate.Perplexity
import kumiko.cli.evaluate.TextIds
import java.nio.file.Path
import java.util.Locale

/** `kumiko perplexity`. */
class PerplexityCommand : KumikoCommand("perplexity", "How well a checkpoint predicts a text: exp of the mean negative log likelihood.") {
    private val checkpoint by argument().help(CHECKPOINT_HELP)
    private val file by argument().optional().help("a text in UTF-8, by the tokenizer beside the checkpoint")
    private val ids by option("--ids", metavar = "1,2,3").help("token ids instead of a text")
    private val window by ContextOptions()
    private val threads by threadsOption()
    private val arithmetic by arithmeticOption()
    private val quantize by quantizeOption()

    override fun run() {
        val folder = Path.of(checkpoint)
        val text = TextIds(file, ids)
        loadModel(folder, terminal = terminal, quantisation = quantize).use { model ->
            val found = text.of(folder)
            val (context, stride) = window.of(found.size, model.graph)
            val result = Progress(terminal, "reading ${text.name}").use { progress ->
                refusing {
                    Perplexity.of(model.graph, model.weights, options(threads, arithmetic = arithmetic), found, context, stride) {
                        progress.at(it.toLong(), found.size.toLong(), "$it of ${found.size} ids")
                    }
                }
            }
            if (json) printJson(report(model, text, result)) else terminal.rawPrint(told(model, text, result))
        }
    }

    private fun told(model: LoadedModel, text: TextIds, result: Perplexity) = with(result) {
        val count = if (windows == 1) "1 window" else "${grouped(windows.toLong())} windows"
        "perplexity ${"%.4f".format(Locale.ROOT, value)} of ${model.described} on ${text.name}\n" +
            "mean negative log likelihood ${"%.6f".format(Locale.ROOT, negativeLogLikelihood)} nats of ${grouped(predicted.toLong())} " +
            "predicted ids of ${grouped(ids.toLong())}, in $count of ${grouped(context.toLong())}, ${grouped(stride.toLong())} apart\n"
    }

    private fun report(model: LoadedModel, text: TextIds, result: Perplexity) = buildJsonObject {
        put("model", model.name)
        put("quantisation", "$quantize")
        put("text", text.name)
        put("ids", result.ids)
        put("predicted", result.predicted)
        put("context", result.context)
        put("stride", result.stride)
        put("windows", result.windows)
        put("negativeLogLikelihood", result.negativeLogLikelihood.takeIf { it.isFinite() })
        put("perplexity", result.value.takeIf { it.isFinite() })
    }
}
