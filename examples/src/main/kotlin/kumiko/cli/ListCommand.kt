package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import kotlinx.serialization.json.add
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kumiko.architectures.Architectures
import kumiko.dsl.spec.parameterCount

/** `kumiko list`. */
class ListCommand : KumikoCommand("list", "The built-in specs and the maps of the layouts they are published in.") {
    override fun run() {
        val models = Architectures.all.values
        if (json) {
            printJson(
                buildJsonObject {
                    putJsonArray("models") {
                        models.forEach { spec ->
                            addJsonObject {
                                put("name", spec.name)
                                put("layers", spec.layers)
                                put("parameters", spec.parameterCount())
                            }
                        }
                    }
                },
            )
        } else {
            val rows = models.map { listOf(it.name, grouped(it.parameterCount()), "${it.layers}") }
            terminal.printGrid(listOf("model", "parameters", "layers"), rows, numbers = setOf(1, 2))
        }
    }
}
