package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.arguments.optional
import com.github.ajalt.clikt.parameters.groups.provideDelegate
import com.github.ajalt.clikt.parameters.options.convert
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.options.required
import kumiko.cli.evaluate.Agreement
import kumiko.cli.evaluate.Comparing
import kumiko.cli.evaluate.ContextOptions
import kumiko.cli.evaluate.Evaluated
import kumiko.cli.evaluate.TextIds
import kumiko.cli.evaluate.Window
import kumiko.cli.quantize.QuantizeReport
import kumiko.cli.quantize.rows
import kumiko.cli.quantize.summary
import kumiko.cli.quantize.toJson
import kumiko.runtime.run.Weights
import java.nio.file.Path

/** `kumiko quantize`. */
class QuantizeCommand : KumikoCommand("quantize", "What a format for the weights saves and what error it causes; writes no file.") {
    private val checkpoint by argument().help(CHECKPOINT_HELP)
    private val file by argument().optional().help("a text to measure the predictions on, by the tokenizer beside the checkpoint")
    private val format by option("--as", metavar = "int8:6.0|q8_0|q4_0").convert { quantisation(it) }.required()
        .help("the format of the blocks' linear layers")
    private val ids by option("--ids", metavar = "1,2,3").help("token ids to measure the predictions on")
    private val window by ContextOptions()
    private val threads by threadsOption()

    override fun run() {
        val folder = Path.of(checkpoint)
        val text = if (file == null && ids == null) null else TextIds(file, ids)
        loadModel(folder, terminal = terminal, quantisation = format).use { model ->
            val predictions = text?.let { predictions(model, it.of(folder)) }
            val report = QuantizeReport.of(model.name, model.weights, format, predictions)
            if (json) printJson(report.toJson()) else print(report)
        }
    }

    /** The quantised model against the one that is stored. */
    private fun predictions(model: LoadedModel, ids: IntArray): Agreement {
        Evaluated.requireIds(model.graph, ids)
        val (context, stride) = window.of(ids.size, model.graph)
        val windows = Window.over(ids.size, context, stride)
        val size = windows.maxOf { it.end - it.from }
        val options = options(threads)
        return Progress(terminal, "comparing").use { progress ->
            refusing {
                Evaluated(model.graph, Weights { model.weights.parameters[it] }, options, size).use { stored ->
                    Evaluated(model.graph, model.weights, options, size).use { quantised ->
                        Comparing(stored, quantised, ids).run(windows) { progress.at(it.toLong(), ids.size.toLong(), "$it ids") }
                    }
                }
            }
        }
    }

    private fun print(report: QuantizeReport) {
        val header = listOf("weight", "layers", "shape", "stored", "bytes", "$format", "relative error", "max-abs")
        terminal.printGrid(header, report.rows(), setOf(1, 4, 5, 6, 7))
        terminal.rawPrint("\n" + report.summary())
        report.predictions?.let { terminal.rawPrint(it.told()) }
    }
}
