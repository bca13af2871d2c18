package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.arguments.multiple
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.path
import kotlinx.serialization.json.add
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kumiko.cli.machine.Estimates
import kumiko.cli.machine.ThisMachine
import kumiko.cli.machine.machineOption
import kumiko.cli.machine.printEstimates
import kumiko.cli.observe.Observed
import kumiko.cli.observe.Observing
import kumiko.cli.observe.Prompt
import kumiko.cli.observe.printObserved
import kumiko.cli.observe.toJson
import kumiko.cli.report.Report
import kumiko.dsl.spec.ModelSpec
import java.nio.file.Path

/** `kumiko compare`. */
class CompareCommand : KumikoCommand("compare", "Models side by side: structure, sizes, parameters, cache and arithmetic.") {
    private val models by argument().multiple(required = true).help(MODEL_HELP)
    private val html by option("--html", metavar = "FILE").path().help("write the whole comparison as one HTML page")
    private val ids by option(
        "--ids",
        metavar = "1,2,3",
    ).help("run one or two checkpoints on these token ids and compare what they compute")
    private val text by option("--text", metavar = "TEXT").help("as --ids, by the tokenizer beside a checkpoint")
    private val measured by machineOption()
    private val threads by threadsOption()

    override fun run() {
        val prompt = prompt()
        val specs = models.map { resolveModel(it) }.withNames(models)
        val observed = prompt?.let { asked ->
            Observing(models.map(Path::of), specs.map { it.name }).use { it.run(asked, threads, terminal) }
        }
        val machine = if (measured) ThisMachine.measure(threads, terminal) else null
        html?.let { write(it, specs, observed, machine) } ?: tell(specs.map { ModelColumn(it) }, observed, machine?.let { Estimates(it) })
    }

    private fun prompt(): Prompt? {
        if (ids != null && text != null) refuse("Say what to run on once: either --ids or --text.")
        return ids?.let { Prompt.Ids(parseIds(it)) } ?: text?.let { Prompt.Text(it) }
    }

    private fun write(file: Path, specs: List<ModelSpec>, observed: Observed?, machine: ThisMachine?) {
        file.replaceText(Report(specs, observed, machine).html())
        terminal.println("$file: ${specs.joinToString(", ") { it.name }} side by side", stderr = true)
    }

    private fun tell(columns: List<ModelColumn>, observed: Observed?, estimates: Estimates?) {
        if (json) return printJson(document(columns, observed, estimates))
        terminal.printSideBySide(columns.map { it.spec.name }, sideBySide(columns))
        estimates?.let { terminal.printEstimates(it, columns.map { column -> column.account }) }
        observed?.let { terminal.printObserved(it) }
    }

    private fun document(columns: List<ModelColumn>, observed: Observed?, estimates: Estimates?) = buildJsonObject {
        putJsonArray("models") { columns.forEach { add(it.toJson(estimates)) } }
        estimates?.let { put("machine", it.machineJson()) }
        observed?.let { put("run", it.toJson()) }
    }
}

/** Models of one name are told apart by the arguments they were given as. */
private fun List<ModelSpec>.withNames(arguments: List<String>): List<ModelSpec> {
    val times = groupingBy { it.name }.eachCount()
    return mapIndexed { index, spec -> if (times.getValue(spec.name) == 1) spec else spec.copy(name = arguments[index]) }
}
