package kumiko.cli

import com.github.ajalt.clikt.core.UsageError
import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.options.default
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.options.required
import com.github.ajalt.clikt.parameters.types.choice
import com.github.ajalt.clikt.parameters.types.int
import com.github.ajalt.clikt.parameters.types.long
import com.github.ajalt.clikt.parameters.types.restrictTo
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kumiko.architectures.Maps
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.ParameterSource
import kumiko.dsl.mapping.RandomParameters
import kumiko.dsl.mapping.ZeroParameters
import kumiko.dsl.spec.parameterCount
import kumiko.runtime.tensor.DType
import java.nio.file.Path

/** `kumiko init`. */
class InitCommand : KumikoCommand("init", "A checkpoint of random weights in any layout, to try everything without a download.") {
    private val model by argument().help(MODEL_HELP)
    private val map by option("--map", metavar = "NAME").required().help("the layout to write, see list")
    private val seed by option("--seed", metavar = "N").long().help("the same seed gives the same weights in every layout")
    private val zeros by option("--zeros").flag().help("weights that are zero and take no room on disk, to try the layout of any size")
    private val out by option("--out", metavar = "DIR").required().help("a new folder")
    private val tiny by option("--tiny").flag().help("two layers and small sizes, the structure kept")
    private val dtype by option("--dtype").choice("f32" to DType.F32, "bf16" to DType.BF16, "f16" to DType.F16).default(DType.F32, "f32")
        .help("the stored type")
    private val shards by shardsOption()

    override fun run() {
        val layout = Maps[map]
        val spec = resolveModel(model).let { if (tiny) it.tiny() else it }
        val count = spec.parameterCount()
        Progress(terminal, "writing $out").use { progress ->
            CheckpointExport(layout, spec, shards, progress::written).write(Path.of(out), parameters(), Maps)
        }
        if (json) {
            printJson(
                buildJsonObject {
                    put("model", spec.name)
                    put("map", layout.name)
                    put("directory", out)
                    put("parameters", count)
                    put("dtype", "$dtype")
                },
            )
        } else {
            terminal.rawPrint("$out: ${spec.name} in the layout ${layout.name}, ${grouped(count)} parameters of $dtype\n")
        }
    }

    private fun parameters(): ParameterSource {
        if (zeros) return ZeroParameters(dtype)
        return RandomParameters(seed ?: throw UsageError("say which random weights with --seed N, or ask for --zeros"), dtype)
    }
}

internal fun com.github.ajalt.clikt.core.ParameterHolder.shardsOption() = option("--shards", metavar = "N").int().restrictTo(min = 1)
    .default(1).help("tensor-parallel shards, for layouts that have them (default: 1)")
