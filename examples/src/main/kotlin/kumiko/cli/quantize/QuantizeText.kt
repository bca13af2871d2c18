package kumiko.cli.quantize

import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kotlinx.serialization.json.putJsonObject
import kumiko.cli.agreement
import kumiko.cli.bytes
import java.util.Locale

/** One row for each kind of weight. */
internal fun QuantizeReport.rows(): List<List<String>> = kinds.map { kind ->
    listOf(kind.name, "${kind.layers}", kind.shape, kind.stored, bytes(kind.bytesBefore)) +
        if (kind.kept == null) {
            listOf(bytes(kind.bytesAfter), "%.3f %%".format(Locale.ROOT, 100 * kind.error.relative()), short(kind.error.largest()))
        } else {
            listOf("kept", "-", "-")
        }
}

/** What is saved, and what stayed as it is and why. */
internal fun QuantizeReport.summary(): String = buildString {
    val share = "%.1f".format(Locale.ROOT, 100.0 * (bytesBefore - bytesAfter) / bytesBefore)
    append("$model in $quantisation: all weights take ${bytes(bytesAfter)} instead of ${bytes(bytesBefore)}, $share % less; ")
    append("embedding, head, norms and biases are ${bytes(others)} of both\n")
    kinds.filter { it.kept != null }.groupBy { it.kept }.forEach { (why, same) ->
        append("kept as stored, because $why: ${same.joinToString(", ") { it.name }}\n")
    }
}

internal fun QuantizeReport.toJson(): JsonObject = buildJsonObject {
    put("model", model)
    put("quantisation", "$quantisation")
    put("bytesBefore", bytesBefore)
    put("bytesAfter", bytesAfter)
    put("bytesNeverQuantised", others)
    putJsonArray("weights") {
        kinds.forEach { kind ->
            addJsonObject {
                put("name", kind.name)
                put("layers", kind.layers)
                put("shape", kind.shape)
                put("stored", kind.stored)
                put("bytesBefore", kind.bytesBefore)
                put("bytesAfter", kind.bytesAfter)
                kind.kept?.let { put("kept", it) }
                put("relativeError", kind.error.relative())
                put("maxAbsError", kind.error.largest())
            }
        }
    }
    predictions?.let { putJsonObject("predictions") { agreement(it) } }
}

private fun short(value: Double): String = "%.2e".format(Locale.ROOT, value)
