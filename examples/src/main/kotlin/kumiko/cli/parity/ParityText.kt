package kumiko.cli.parity

import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.add
import kotlinx.serialization.json.addJsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import java.util.Locale

internal fun ParityReport.headline(): String {
    val count = if (sequences == 1) "1 sequence" else "$sequences sequences"
    return "$model against $reference, $count, $arithmetic"
}

/** One row for each tensor: the sequence where it is furthest off. */
internal fun ParityReport.rows(): List<List<String>> = nodes.map { node ->
    val c = node.comparison
    val verdict = if (node.good) "good" else "OFF in sequence ${node.sequence}"
    listOf(
        node.node,
        node.reference,
        short(c.maxAbs()),
        short(node.tolerance),
        short(c.relative()),
        "%.9f".format(Locale.ROOT, c.cosine()),
        verdict,
    )
}

/** What was found, in sentences. */
internal fun ParityReport.verdict(): String = buildString {
    greedy.forEach { append(line(it)).append('\n') }
    val bad = firstBad
    if (bad != null) {
        append("First over its tolerance: ${bad.node} (${bad.reference}) in sequence ${bad.sequence}, element ${bad.comparison.at()}, ")
        append("off by ${short(bad.comparison.maxAbs())} where ${short(bad.tolerance)} is allowed.\n")
    }
    diagnosis?.let { append(it.sentences()).append('\n') }
    val within = nodes.count { it.good }
    append("$within of ${nodes.size} tensors within tolerance, ")
    if (part == null) {
        append("${greedy.count { it.good }} of ${greedy.size} continuations equal.")
    } else {
        append("only the layers 0..${part - 1}: $leftOut tensors and all continuations of the reference are left out.")
    }
}

private fun line(greedy: GreedyParity): String {
    val parting = greedy.parting
    return if (parting == null) {
        "Sequence ${greedy.sequence}: all ${greedy.expected.size} greedy tokens equal, smallest margin ${short(greedy.margin)}."
    } else {
        "Sequence ${greedy.sequence}: greedy token $parting is ${greedy.actual.getOrNull(parting)}, the reference has " +
            "${greedy.expected[parting]}; margin ${short(greedy.margin)}."
    }
}

internal fun ParityReport.toJson(): JsonObject = buildJsonObject {
    put("model", model)
    put("reference", reference)
    put("arithmetic", arithmetic)
    put("good", good)
    part?.let { put("layers", it) }
    put("leftOut", leftOut)
    put("firstOverTolerance", firstBad?.node)
    diagnosis?.let { put("diagnosis", it.toJson()) }
    putJsonArray("nodes") {
        nodes.forEach { node ->
            addJsonObject {
                put("node", node.node)
                put("reference", node.reference)
                put("sequence", node.sequence)
                put("maxAbs", node.comparison.maxAbs().takeIf { it.isFinite() })
                put("tolerance", node.tolerance)
                put("relative", node.comparison.relative().takeIf { it.isFinite() })
                put("cosine", node.comparison.cosine().takeIf { it.isFinite() })
                put("good", node.good)
            }
        }
    }
    putJsonArray("greedy") {
        greedy.forEach { one ->
            addJsonObject {
                put("sequence", one.sequence)
                putJsonArray("expected") { one.expected.forEach { add(it) } }
                putJsonArray("actual") { one.actual.forEach { add(it) } }
                put("margin", one.margin.takeIf { it.isFinite() })
                put("good", one.good)
            }
        }
    }
}

internal fun short(value: Double): String = "%.2e".format(Locale.ROOT, value)
