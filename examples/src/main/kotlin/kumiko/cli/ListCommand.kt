package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import kotlinx.serialization.json.add
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kumiko.architectures.Architectures
import kumiko.architectures.Maps
import kumiko.dsl.spec.ModelSpec
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
                                putJsonArray("maps") { spec.maps().forEach { add(it) } }
                            }
                        }
                    }
                },
            )
        } else {
            val rows = models.map { listOf(it.name, grouped(it.parameterCount()), "${it.layers}", it.maps().joinToString(", ")) }
            terminal.printGrid(listOf("model", "parameters", "layers", "maps"), rows, numbers = setOf(1, 2))
        }
    }
}

/** The layouts that the model is published in. */
private fun ModelSpec.maps(): List<String> = Maps.maps.filter { it.model == name }.map { it.name }
