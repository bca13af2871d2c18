package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kumiko.cli.machine.Estimates
import kumiko.cli.machine.ThisMachine
import kumiko.cli.machine.machineOption
import kumiko.cli.machine.printEstimates
import kumiko.dsl.compare.Account
import kumiko.dsl.mapping.LayerRanges
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.ParameterTemplate
import kumiko.dsl.spec.parameterCount
import kumiko.dsl.spec.templates
import kumiko.dsl.spec.toJson
import kumiko.runtime.tensor.DType

/** `kumiko show`. */
class ShowCommand : KumikoCommand("show", "One model: its wiring drawn, its parameters, its counts.") {
    private val model by argument().help(MODEL_HELP)
    private val measured by machineOption()
    private val threads by threadsOption()

    override fun run() {
        val spec = resolveModel(model)
        val estimates = if (measured) Estimates(ThisMachine.measure(threads, terminal)) else null
        if (json) return printJson(spec.description(estimates))
        print(spec)
        estimates?.let { terminal.printEstimates(it, listOf(Account.of(spec))) }
    }

    private fun print(spec: ModelSpec) {
        terminal.rawPrint("${spec.name}: ${grouped(spec.parameterCount())} parameters, ${spec.layers} layers\n")
        terminal.rawPrint(Account.of(spec).memory().wrapped(terminal.size.width).joinToString("\n") + "\n\n")
        terminal.rawPrint(ModelFigure(terminal.size.width).draw(spec) + "\n")
        val rows = spec.templates().map {
            listOf(it.name, LayerRanges.ranges(it.layers), it.dims.joinToString(", ", "[", "]"), grouped(it.total))
        }
        terminal.printGrid(listOf("parameter", "layers", "shape", "numbers"), rows, numbers = setOf(3))
    }

    private fun ModelSpec.description(estimates: Estimates?): JsonObject = buildJsonObject {
        put("name", name)
        put("layers", layers)
        put("parameters", parameterCount())
        putJsonArray("templates") {
            templates().forEach { template ->
                addJsonObject {
                    put("name", template.name)
                    putJsonArray("layers") { template.layers.forEach { add(JsonPrimitive(it)) } }
                    putJsonArray("dims") { template.dims.forEach { add(JsonPrimitive(it.text)) } }
                    putJsonArray("shape") { template.dims.forEach { add(JsonPrimitive(it.size)) } }
                    put("numbers", template.total)
                }
            }
        }
        estimates?.let {
            put("estimates", it.toJson(Account.of(this@description)))
            put("machine", it.machineJson())
        }
        put("spec", Json.parseToJsonElement(toJson()))
    }
}

private fun Account.memory() =
    "${bytes(weightBytes(DType.BF16))} of weights and ${bytes(cacheBytesPerToken(DType.BF16))} of cache a token " +
        "at 16 bit, ${bytes(activationBytes(PROMPT, 0))} of activations for $PROMPT rows"

/** Rows of a prompt that are computed at once. */
private const val PROMPT = 512L

/** Of all layers together. */
private val ParameterTemplate.total: Long get() = count * maxOf(layers.size, 1)
