package kumiko.cli.parity

import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.add
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray

/** What a diagnosis says to people. */
internal fun Diagnosis.sentences(): String = when (this) {
    is Diagnosis.Rounding ->
        "Rounding: in float64, from the reference's values of the nodes before it, every step up to $node agrees; $node itself is off by " +
            "${short(step)} (relative), float32 changes it by ${short(rounding)}. Small roundings came together; there is no fault to find."

    is Diagnosis.Fault ->
        "A fault, not rounding: in float64, from the reference's values of the nodes before it, $node in sequence $sequence is off by " +
            "${short(step)} (relative), where float32 changes it by ${short(rounding)}.\n" + explained()
}

private fun Diagnosis.Fault.explained(): String {
    val best = explanations.firstOrNull() ?: return "No known cause fits. What the node reads: ${reads()}."
    val others = explanations.drop(1).map { "Just as good: ${it.cause.label}, ${it.words} (${short(it.relative)})." }
    val first = "Likely cause: ${best.cause.label}. With ${best.words}, $node agrees to ${short(best.relative)}."
    return (listOf(first) + others).joinToString("\n")
}

private fun Diagnosis.Fault.reads() = inputs.ifEmpty { listOf("no parameters") }.joinToString()

internal fun Diagnosis.toJson(): JsonObject = buildJsonObject {
    put("verdict", if (this@toJson is Diagnosis.Fault) "fault" else "rounding")
    put("node", node)
    put("sequence", sequence)
    put("relativeInFloat64", step.takeIf { it.isFinite() })
    put("relativeRounding", rounding.takeIf { it.isFinite() })
    if (this@toJson is Diagnosis.Fault) {
        putJsonArray("causes") {
            explanations.forEach {
                addJsonObject {
                    put("cause", it.cause.name.lowercase().replace('_', '-'))
                    put("words", it.words)
                    put("relative", it.relative)
                }
            }
        }
        putJsonArray("parameters") { inputs.forEach { add(it) } }
    }
}
