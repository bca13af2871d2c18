package kumiko.cli.card

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.doubleOrNull
import kotlin.math.abs
import kotlin.math.max

/** What changed from one card to another, names and measurements apart. */
internal object CardDifferences {
    /** A folder may be called anything, and every run takes another time. */
    private val IRRELEVANT = setOf("model", "measured")

    /** Errors in float64 are rounded to three digits; the libraries of another machine may round the last one otherwise. */
    private const val SLACK = 0.05

    /** Below this an error is rounding of float64 itself. */
    private const val NOTHING = 1e-12

    /** One line for each place: where, what was there, what is there now. */
    fun between(before: Card, after: Card): List<String> =
        differences("", JsonObject(CardFile.tree(before) - IRRELEVANT), JsonObject(CardFile.tree(after) - IRRELEVANT))

    private fun differences(place: String, before: JsonElement, after: JsonElement): List<String> = when {
        before is JsonObject && after is JsonObject -> (before.keys + after.keys).flatMap { key ->
            differences(if (place.isEmpty()) key else "$place.$key", before[key] ?: JsonNull, after[key] ?: JsonNull)
        }

        before is JsonArray && after is JsonArray && before.size == after.size -> before.indices.flatMap { i ->
            differences("$place[${label(before[i], i)}]", before[i], after[i])
        }

        before == after || isSameError(place, before, after) -> emptyList()

        else -> listOf("$place: ${short(before)} -> ${short(after)}")
    }

    private fun label(element: JsonElement, index: Int): String {
        val named = element as? JsonObject
        return ((named?.get("reference") ?: named?.get("name")) as? JsonPrimitive)?.content ?: "$index"
    }

    private fun isSameError(place: String, before: JsonElement, after: JsonElement): Boolean {
        if (!place.endsWith(".maxAbs64")) return false
        val (a, b) = listOf(before, after).map { (it as? JsonPrimitive)?.doubleOrNull ?: return false }
        return abs(a - b) <= max(NOTHING, SLACK * max(a, b))
    }

    private fun short(element: JsonElement): String = when (element) {
        is JsonNull -> "nothing"

        is JsonPrimitive -> element.content

        is JsonArray -> "${element.size} entries: ${element.joinToString {
            short(it)
        }.let { if (it.length > WIDE) it.take(WIDE) + "..." else it }}"

        is JsonObject -> "{${element.keys.joinToString()}}"
    }

    private const val WIDE = 60
}
