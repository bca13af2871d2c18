package kumiko.cli

import com.github.ajalt.clikt.core.ProgramResult
import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import kumiko.architectures.Maps
import kumiko.dsl.mapping.CheckpointMap
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.mapping.KeyAccount
import kumiko.dsl.mapping.KeyReport
import kumiko.dsl.mapping.LayerRanges
import kumiko.dsl.mapping.MatchedKey
import kumiko.dsl.mapping.NoMapFitsException
import kumiko.dsl.spec.ModelSpec
import java.nio.file.Path

/** `kumiko check`. */
class CheckCommand : KumikoCommand("check", "Every key of a checkpoint: what it fills, what is missing, what does not fit.") {
    private val checkpoint by argument().help("a directory with a published checkpoint")
    private val map by option(metavar = "name").help("the layout; without it the one that fits is found")
    private val model by option(metavar = "model").help("the model; without it the configuration file says")
    private val layers by layersOption()
    private val prefix by prefixOption()

    override fun run() {
        val chosen = map?.let { Maps[it] }
        open(Path.of(checkpoint), chosen, model?.let { resolveModel(it) }).use { opened ->
            if (json) printJson(opened.account.toJson()) else print(opened)
            if (!opened.account.fits) throw ProgramResult(Exit.CHECK_FAILED)
        }
    }

    /** Where no map fits, the account of the nearest says what is wrong. */
    private fun open(path: Path, chosen: CheckpointMap?, spec: ModelSpec?): CheckpointModel = try {
        CheckpointModel.open(path, Maps, chosen, spec, layers, prefix)
    } catch (e: NoMapFitsException) {
        CheckpointModel.open(path, Maps, e.nearest ?: throw e, spec, layers, prefix)
    }

    private fun print(opened: CheckpointModel) {
        val account = opened.account
        val filled = account.matched.flatMap { it.filled() }.size
        terminal.rawPrint("${opened.directory} is ${account.model} in the layout ${account.map}\n")
        if (!opened.isWhole) terminal.rawPrint("only the layers 0..${opened.spec.layers - 1} are looked at\n")
        opened.ties.forEach { terminal.rawPrint("$it\n") }
        terminal.rawPrint("$filled of ${account.parameters} parameters are filled, ${account.ignored.size} keys are no weights\n\n")
        terminal.printGrid(listOf("key", "stored", "fills", "steps"), account.rows())
        account.ignored.groupBy { LayerRanges.skeleton(it.tensor.key) to it.reason }.forEach { (kind, all) ->
            terminal.rawPrint("not used: ${LayerRanges.fold(all.map { it.tensor.key })}, ${kind.second}\n")
        }
        if (!account.fits) terminal.rawPrint("\n${KeyReport.problems(account)}\n")
    }

    /** Keys that differ only in their layer share a row. */
    private fun KeyAccount.rows(): List<List<String>> = matched.groupBy { it.row() }.map { (row, keys) ->
        val fills = keys.first().route.targets.indices.map { n -> LayerRanges.fold(keys.map { it.route.targets[n].name }) }
        listOf(LayerRanges.fold(keys.map { it.route.key }), row[1], alternatives(fills), row[3])
    }

    private fun MatchedKey.row(): List<String> {
        val part = parts.first()
        val shards = if (parts.size == 1) "" else "${parts.size} x "
        val targets = route.targets.joinToString(" ") { LayerRanges.skeleton(it.name) }
        return listOf(LayerRanges.skeleton(route.key), "$shards${part.dtype} ${part.shape}", targets, steps)
    }

    /** `blocks.{0..1}.attention.{query,key,value}.weight`: names that differ in one segment as one. */
    private fun alternatives(names: List<String>): String {
        val segments = names.map { it.split(".") }
        val differing = segments[0].indices.filter { at -> segments.map { it.getOrNull(at) }.distinct().size > 1 }
        if (names.size == 1 || differing.size != 1 || segments.any { it.size != segments[0].size }) return names.joinToString(", ")
        val at = differing.single()
        return segments[0].toMutableList().also { it[at] = segments.joinToString(",", "{", "}") { s -> s[at] } }.joinToString(".")
    }
}

/** The parameters that this key fills: none where it only repeats one. */
internal fun MatchedKey.filled(): List<String> = if (tied) emptyList() else route.targets.map { it.name }
