package kumiko.cli.report

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonObject
import kumiko.cli.observe.AttentionMap
import kumiko.cli.observe.ModelRun
import kumiko.cli.observe.Observed
import kumiko.cli.observe.RunPair
import kumiko.cli.observe.number
import java.math.BigDecimal
import java.math.MathContext
import java.util.Base64

/** What the page's script draws, as JSON that may stand inside a script element. */
internal fun Observed.pageData(): String = buildJsonObject {
    put("tokens", JsonArray(ids.map { JsonPrimitive(words.word(it)) }))
    putJsonObject("words") { mentioned.sorted().forEach { put("$it", words.word(it)) } }
    put("runs", JsonArray(runs.map { it.pageData() }))
    pair?.let { put("pair", it.pageData()) }
}.toString().replace("<", "\\u003c")

private fun ModelRun.pageData(): JsonObject = buildJsonObject {
    put("name", model)
    put("next", JsonArray(next.map { tokens -> JsonArray(tokens.map { numbers(listOf(it.id.toDouble(), it.logit, it.probability)) }) }))
    put("maps", JsonArray(attention.map { it.pageData() }))
}

private fun AttentionMap.pageData(): JsonObject = buildJsonObject {
    put("node", node)
    put("heads", heads)
    put("rows", rows)
    put("keys", keys)
    put("prefix", prefix)
    put("shades", Base64.getEncoder().encodeToString(shades))
}

private fun RunPair.pageData(): JsonObject = buildJsonObject {
    putJsonObject("stream") { stream.forEach { (node, rows) -> put(node, numbers(rows)) } }
    put("apart", numbers(apart))
}

private fun numbers(values: List<Double>) = JsonArray(
    values.map { value ->
        if (value.isFinite()) JsonPrimitive(short(value)) else number(value)
    },
)

/** Four digits are more than a picture shows. */
private fun short(value: Double): Number =
    if (value == Math.rint(value)) value.toLong() else BigDecimal(value).round(MathContext(4)).toDouble()
