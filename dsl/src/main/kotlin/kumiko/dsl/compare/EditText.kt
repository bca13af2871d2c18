package kumiko.dsl.compare

import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.doubleOrNull
import java.math.BigDecimal
import java.math.MathContext

/** How pieces of one of the two models are called, with its sizes as numbers. */
internal class EditText(private val sizes: Map<String, Int>) {
    /** A layer as a whole: `LayerNorm eps 1e-5`. */
    fun item(item: Item): String = when (item.family) {
        Family.NORM -> norm(item)
        Family.ATTENTION -> "${item.text("heads")} heads of ${headDim(item)}"
        Family.FFN -> "${item.kind} of ${field(item, "hidden")}"
        Family.WIRING -> wiring(item)
        Family.OUTPUT -> output(item)
        Family.TOKENS -> "${field(item, "vocab")} tokens"
        Family.POSITIONS -> "learned ${field(item, "positions")}"
        Family.PREFIX -> "${field(item, "length")} rows of ${field(item, "width")}"
        Family.BRANCHES, Family.OTHER -> item.kind
    }

    /** A layer by what is not told field by field. */
    fun kind(item: Item): String = if (item.family == Family.FFN) item.kind else item(item)

    private fun norm(item: Item): String {
        val name = if (item.kind == "rms-norm") "RMSNorm" else "LayerNorm"
        val offset = item.text("offset")?.takeIf { it.toDouble() != 0.0 }?.let { " offset ${value(item.fields["offset"])}" }.orEmpty()
        val usual = if (item.kind == "rms-norm") "WEIGHT" else "WEIGHT_AND_BIAS"
        val affine = item.text("affine")!!.takeIf {
            it != usual
        }?.let { if (it == "NONE") ", nothing learned" else ", ${words(it)} only" }.orEmpty()
        return "$name eps ${value(item.fields["eps"])}$offset$affine"
    }

    private fun wiring(item: Item): String {
        val numbers = item.fields.entries.joinToString("") { (name, value) -> " $name ${value(value)}" }
        return item.kind.removeSuffix("-residual") + numbers
    }

    private fun output(item: Item): String {
        if (item.kind == "tied-to-tokens") return "tied"
        val bias = if (item.text("bias") == "NOWHERE") "" else " with bias"
        val isHead = item.text("output") == "vocab"
        return if (isHead) "own matrix$bias" else "linear ${field(item, "input")} x ${field(item, "output")}$bias"
    }

    /** The value of one field as a reader sees it. */
    fun field(item: Item, name: String): String = when {
        item.family == Family.ATTENTION && name == "headDim" -> headDim(item)
        item.family == Family.ATTENTION && name == "kvHeads" -> if (item.text(name) == "heads") item.text("heads")!! else item.text(name)!!
        item.family == Family.ATTENTION && name == "bias" -> bias(item)
        else -> value(item.fields[name])
    }

    private fun bias(item: Item) = words(item.text("bias")!!).let { if (it == "input") "query, key, value" else it }

    private fun headDim(item: Item): String {
        val text = item.text("headDim")!!
        val embed = sizes["embed"]
        return if (text == "embed / heads" && embed != null) "${embed / item.text("heads")!!.toInt()}" else text
    }

    /** The position code of attention, without what [other] has alike: `all 128 of head`, `24 of 96`. */
    fun positions(item: Item, other: Item?): String {
        val code = item.fields["positions"] as JsonObject
        if (kind(code) == "none") return "none"
        val before = other?.fields?.get("positions") as? JsonObject
        val same = before != null && kind(before) == kind(code)
        val parts = code.keys.filter { it != "kind" && !(same && before[it] == code[it]) }.mapNotNull { part(item, code, it, before) }
        val turned = if (kind(code) == "rotary-2d" && !same) listOf("2-d") else emptyList()
        return (turned + parts).joinToString(", ")
    }

    private fun part(item: Item, code: JsonObject, name: String, before: JsonObject?): String? = when (name) {
        "dims" -> turned(item, code)

        "pairing" -> "${words(code.getValue(name).text())} paired"

        "scaling" -> value(code[name]).takeIf {
            it != "none" || before?.get(name) != null
        }?.let { if (it == "none") "not scaled" else "scaled $it" }

        "rounding" -> if (code[name]?.text() == "F32" && before?.get(
                name,
            ) == null
        ) {
            null
        } else {
            "frequencies in ${words(code.getValue(name).text())}"
        }

        else -> "$name ${value(code[name])}"
    }

    private fun turned(item: Item, code: JsonObject): String {
        val head = headDim(item).toInt()
        val dims = code.getValue("dims").text()
        val count = if (dims.startsWith("headDim")) head / (dims.substringAfter("/ ", "1").toInt()) else dims.toInt()
        return when {
            kind(code) == "rotary-2d" -> "twice $count of $head"
            count == head -> "all $head of head"
            else -> "$count of $head"
        }
    }

    private fun kind(code: JsonObject) = code["kind"]?.text()

    /** Any value of a spec file as words. */
    fun value(element: JsonElement?): String = when (element) {
        null, JsonNull -> "none"

        is JsonObject -> element.entries.joinToString(" ") { (name, value) ->
            if (name == "kind") words(value.text()) else "$name ${value(value)}"
        }

        is JsonPrimitive -> primitive(element)

        else -> element.toString()
    }

    private fun primitive(element: JsonPrimitive): String {
        val text = element.contentOrNull ?: return "none"
        return sized(text) ?: element.doubleOrNull?.let { plain(it) } ?: words(text)
    }

    /** A relation to one of the model's sizes as the number it is. */
    private fun sized(text: String): String? {
        val size = sizes[text.substringAfterLast("* ")] ?: return null
        return "${size.toLong() * text.substringBefore(" *", "1").let { it.toLongOrNull() ?: return null }}"
    }

    private fun words(text: String) = if (text.any { it.isLowerCase() }) text else text.lowercase().replace('_', '-')

    private fun plain(value: Double): String = when {
        value == Math.rint(value) && Math.abs(value) < 1e15 -> "${value.toLong()}"
        Math.abs(value) < 1e-3 -> "$value".replace(".0E", "e").replace("E", "e")
        else -> BigDecimal(value).round(MathContext(DIGITS)).stripTrailingZeros().toPlainString()
    }

    private companion object {
        /** Of a number that was computed, such as `sqrt(56)`; steps have all. */
        const val DIGITS = 6
    }
}
