package kumiko.cli

import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonObject
import kumiko.cli.machine.Estimates
import kumiko.dsl.compare.Account
import kumiko.dsl.compare.Part
import kumiko.dsl.compare.sizes
import kumiko.dsl.compare.structure
import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.tensor.DType
import java.util.Locale

/** What `compare` tells about one model. */
internal class ModelColumn(val spec: ModelSpec) {
    val account: Account = Account.of(spec)

    /** Parts that hold weights. */
    private val parts: Map<Part, Long> = Part.entries.associateWith { account.parameters(it) }.filterValues { it > 0 }

    fun facts(): Map<String, String> = buildMap {
        spec.structure().forEach { put(it.name, it.value) }
        spec.sizes().forEach { (name, size) -> put(name, grouped(size.toLong())) }
        val total = grouped(account.parameters)
        put("parameters", total)
        parts.forEach { (part, count) -> put("  $part", (grouped(count).padStart(total.length) + share(count)).replace(' ', TIED)) }
        put("weights, 16 bit", bytes(account.weightBytes(DType.BF16)))
        put("cache per token, 16 bit", bytes(account.cacheBytesPerToken(DType.BF16)))
        put("activations, $PROMPT rows", bytes(account.activationBytes(PROMPT, 0)))
        POSITIONS.forEach { put("FLOPs of token ${grouped(it)}", grouped(account.flops(1, it - 1))) }
    }

    private fun share(count: Long): String = "%.1f%%".format(Locale.ROOT, 100.0 * count / account.parameters).padStart(8)

    /** @param estimates what this machine makes of it, where that was asked for */
    fun toJson(estimates: Estimates?): JsonObject = buildJsonObject {
        put("name", spec.name)
        putJsonObject("structure") { spec.structure().forEach { put(it.name, it.value) } }
        putJsonObject("sizes") { spec.sizes().forEach { (name, size) -> put(name, size) } }
        put("parameters", account.parameters)
        putJsonObject("parametersByPart") { parts.forEach { (part, count) -> put("$part", count) } }
        put("weightBytesAt16Bit", account.weightBytes(DType.BF16))
        put("cacheBytesPerTokenAt16Bit", account.cacheBytesPerToken(DType.BF16))
        put("activationBytesOf${PROMPT}Rows", account.activationBytes(PROMPT, 0))
        putJsonObject("flopsOfToken") { POSITIONS.forEach { put("$it", account.flops(1, it - 1)) } }
        estimates?.let { put("estimates", it.toJson(account)) }
    }

    private companion object {
        /** Rows of a prompt that are computed at once. */
        const val PROMPT = 512L

        /** Tokens whose cost is told: the first, and one that looks back far. */
        val POSITIONS = listOf(1L, 1024L)
    }
}

/** One row for each name that any model has. */
internal fun sideBySide(columns: List<ModelColumn>): List<List<String>> {
    val facts = columns.map { it.facts() }
    return mergedNames(facts.map { it.keys }).map { name -> listOf(name) + facts.map { it[name] ?: ABSENT } }
}

/** `16.1 GB`, in powers of 1000. */
internal fun bytes(count: Long): String {
    if (count < KILO) return "$count B"
    var value = count.toDouble()
    var unit = 0
    while (value >= KILO) {
        value /= KILO
        unit++
    }
    return "%.${if (value < 10) 2 else 1}f %s".format(Locale.ROOT, value, listOf("B", "kB", "MB", "GB", "TB", "PB")[unit])
}

private const val KILO = 1000
