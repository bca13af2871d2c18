package kumiko.cli.observe

import com.github.ajalt.mordant.terminal.Terminal
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.add
import kotlinx.serialization.json.addJsonArray
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kotlinx.serialization.json.putJsonObject
import kumiko.cli.printGrid
import kumiko.cli.wrapped
import java.util.Locale

/** The most probable next tokens behind the last position side by side, and where the two models part. */
internal fun Terminal.printObserved(observed: Observed) {
    val last = observed.ids.lastIndex
    rawPrint("\n")
    val header = listOf("next token") + observed.runs.flatMap { listOf(it.model, "", "logit") }
    val rows = observed.runs.first().next[last].indices.map { rank ->
        listOf("${rank + 1}") + observed.runs.flatMap { run ->
            val token = run.next[last][rank]
            listOf(observed.words.word(token.id), Observed.percent(token.probability), "%.3f".format(Locale.ROOT, token.logit))
        }
    }
    val numbers = observed.runs.indices.flatMap { listOf(2 + 3 * it, 3 + 3 * it) }.toSet()
    printGrid(header, rows, numbers)
    observed.parting().forEach { sentence -> rawPrint("\n" + sentence.wrapped(size.width).joinToString("\n") + "\n") }
}

/** Everything but the attention maps, for which there is `trace`. */
internal fun Observed.toJson(): JsonObject = buildJsonObject {
    putJsonArray("ids") { ids.forEach { add(it) } }
    putJsonArray("models") {
        runs.forEach { run ->
            addJsonObject {
                put("name", run.model)
                putJsonObject("residualNorms") {
                    run.stream.forEach { (node, norms) -> putJsonArray(node) { norms.forEach { add(number(it)) } } }
                }
                putJsonArray("next") { run.next.forEach { tokens -> addJsonArray { tokens.forEach { add(it.toJson()) } } } }
            }
        }
    }
    pair?.let { put("difference", it.toJson()) }
}

/** JSON has no word for what is no number. */
internal fun number(value: Double): JsonPrimitive = if (value.isFinite()) JsonPrimitive(value) else JsonNull

private fun NextToken.toJson() = buildJsonObject {
    put("id", id)
    put("logit", number(logit))
    put("probability", number(probability))
}

private fun RunPair.toJson() = buildJsonObject {
    put("measure", Parting.MEASURE)
    parting?.let {
        putJsonObject("firstValue") {
            put("node", it.node)
            put("position", it.position)
            put("distance", number(it.distance))
        }
    }
    nextParting?.let { put("firstNextToken", it) }
    putJsonObject("residualDistances") { stream.forEach { (node, rows) -> putJsonArray(node) { rows.forEach { add(number(it)) } } } }
    putJsonArray("nextTokenDistances") { apart.forEach { add(number(it)) } }
}
