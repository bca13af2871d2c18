package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.multiple
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.options.required
import kotlinx.serialization.json.add
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kumiko.cli.parity.ReferenceSet
import kumiko.cli.parity.Replacements
import kumiko.cli.parity.TracedValue
import kumiko.cli.parity.Tracer
import kumiko.runtime.checkpoint.SafetensorsWriter
import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.tensor.DType
import java.lang.foreign.Arena
import java.nio.file.Path

/** `kumiko trace`. */
class TraceCommand : KumikoCommand("trace", "Writes the values of a model's nodes into a safetensors file.") {
    private val checkpoint by argument().help(CHECKPOINT_HELP)
    private val ids by option("--ids", metavar = "1,2,3").required().help("token ids of one sequence")
    private val patterns by option("--capture", metavar = "PATTERN").multiple(required = true)
        .help("canonical name of a node, * stands for any characters: 'blocks.*.attention.probabilities'; may be given again")
    private val replace by option("--replace", metavar = "NODE=FILE").multiple()
        .help("put the node's values from another trace in the place of its own, or with NODE=0 none; may be given again")
    private val out by option("--out", metavar = "FILE").required().help("the file to write, in float32")
    private val threads by threadsOption()
    private val arithmetic by arithmeticOption()
    private val layers by layersOption()
    private val prefix by prefixOption()
    private val quantize by quantizeOption()

    override fun run() {
        val sequence = parseIds(ids)
        loadModel(Path.of(checkpoint), layers, terminal, quantize, prefix).use { model ->
            Arena.ofConfined().use { arena ->
                val values = refusing { traced(model, sequence, arena) }
                write(model, sequence, values, arena)
                if (json) printJson(report(values)) else print(values)
            }
        }
    }

    private fun traced(model: LoadedModel, sequence: IntArray, arena: Arena) = Replacements.open(replace).use { replacements ->
        val options = options(threads, arithmetic = arithmetic)
            .capture(*patterns.toTypedArray()).replace(*replacements.nodes.toTypedArray())
        Tracer(model.graph, model.weights, options, sequence.size).use { it.run(sequence, arena, replacements::apply) }
    }

    private fun write(model: LoadedModel, sequence: IntArray, values: List<TracedValue>, arena: Arena) {
        val tensors = values.map { TensorSource.of(it.node, DType.F32, it.shape, listOf(it.float32(arena))) }
        SafetensorsWriter.write(Path.of(out), tensors, mapOf("model" to model.name, ReferenceSet.IDS to sequence.joinToString(",")))
    }

    private fun print(values: List<TracedValue>) {
        terminal.printGrid(listOf("node", "shape"), values.map { listOf(it.node, "${it.shape}") })
        terminal.rawPrint("${values.size} values in $out\n")
    }

    private fun report(values: List<TracedValue>) = buildJsonObject {
        put("file", out)
        putJsonArray("values") {
            values.forEach { value ->
                addJsonObject {
                    put("node", value.node)
                    putJsonArray("shape") { repeat(value.shape.rank()) { add(value.shape.dim(it)) } }
                }
            }
        }
    }
}
