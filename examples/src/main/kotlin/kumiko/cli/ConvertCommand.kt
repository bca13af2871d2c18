package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.options.required
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kumiko.architectures.Maps
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.CheckpointModel
import java.nio.file.Path

/** `kumiko convert`. */
class ConvertCommand : KumikoCommand("convert", "Writes a checkpoint in another layout; in its own it comes out byte for byte.") {
    private val checkpoint by argument().help(CHECKPOINT_HELP)
    private val to by option("--to", metavar = "MAP").required().help("the layout to write, see list")
    private val out by option("--out", metavar = "DIR").required().help("a new folder")
    private val shards by shardsOption()
    private val prefix by prefixOption()

    override fun run() {
        val layout = Maps[to]
        CheckpointModel.open(Path.of(checkpoint), Maps, prefix = prefix).use { model ->
            model.load(terminal).use { weights ->
                Progress(terminal, "writing $out").use { progress ->
                    CheckpointExport(layout, model.spec, shards, progress::written).write(Path.of(out), model, weights, Maps)
                }
            }
            if (json) {
                printJson(
                    buildJsonObject {
                        put("model", model.spec.name)
                        put("from", model.map.name)
                        put("to", layout.name)
                        put("directory", out)
                    },
                )
            } else {
                terminal.rawPrint("$out: ${model.spec.name}, from ${model.map.name} to ${layout.name}\n")
            }
        }
    }
}
