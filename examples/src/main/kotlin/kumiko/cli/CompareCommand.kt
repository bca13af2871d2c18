package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.arguments.multiple
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.path
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.add
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kotlinx.serialization.json.putJsonObject
import kumiko.cli.report.Report
import kumiko.dsl.compare.Account
import kumiko.dsl.compare.Part
import kumiko.dsl.compare.sizes
import kumiko.dsl.compare.structure
import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.tensor.DType
import java.nio.file.Path
import java.util.Locale

/** `kumiko compare`. */
class CompareCommand : KumikoCommand("compare", "Models side by side: structure, sizes, parameters, cache and arithmetic.") {
    private val models by argument().multiple(required = true).help(MODEL_HELP)

    private val html by option("--html", metavar = "FILE").path().help("write the whole comparison as one HTML page")

    override fun run() {
        html?.let { return write(it, models.map { model -> resolveModel(model) }) }
        val columns = models.map { resolveModel(it) }.map { Column(it) }
        if (json) {
            printJson(buildJsonObject { putJsonArray("models") { columns.forEach { add(it.toJson()) } } })
        } else {
            terminal.printGrid(listOf("") + columns.map { it.spec.name }, rows(columns))
        }
    }

    private fun write(file: Path, specs: List<ModelSpec>) {
        file.replaceText(Report(specs).html())
        terminal.println("$file: ${specs.joinToString(", ") { it.name }} side by side", stderr = true)
    }

    /** One row for each name that any model has. */
    private fun rows(columns: List<Column>): List<List<String>> {
        val facts = columns.map { it.facts() }
        val names = facts.map { it.keys.toList() }.reduce(::merged)
        return names.map { name -> listOf(name) + facts.map { it[name] ?: "-" } }
    }

    /** All names, each new one of [b] behind the one it stands behind there. */
    private fun merged(a: List<String>, b: List<String>): List<String> = b.foldIndexed(a) { index, names, name ->
        if (name in names) names else names.toMutableList().apply { add(indexOf(b.getOrNull(index - 1)) + 1, name) }
    }
}

private class Column(val spec: ModelSpec) {
    private val account = Account.of(spec)

    /** Parts that hold weights. */
    private val parts: Map<Part, Long> = Part.entries.associateWith { account.parameters(it) }.filterValues { it > 0 }

    fun facts(): Map<String, String> = buildMap {
        spec.structure().forEach { put(it.name, it.value) }
        spec.sizes().forEach { (name, size) -> put(name, grouped(size.toLong())) }
        val total = grouped(account.parameters)
        put("parameters", total)
        parts.forEach { (part, count) -> put("  $part", grouped(count).padStart(total.length) + share(count)) }
        put("weights, 16 bit", bytes(account.weightBytes(DType.BF16)))
        put("cache per token, 16 bit", bytes(account.cacheBytesPerToken(DType.BF16)))
        POSITIONS.forEach { put("FLOPs of token ${grouped(it)}", grouped(account.flops(1, it - 1))) }
    }

    private fun share(count: Long): String = "%.1f%%".format(Locale.ROOT, 100.0 * count / account.parameters).padStart(8)

    fun toJson(): JsonObject = buildJsonObject {
        put("name", spec.name)
        putJsonObject("structure") { spec.structure().forEach { put(it.name, it.value) } }
        putJsonObject("sizes") { spec.sizes().forEach { (name, size) -> put(name, size) } }
        put("parameters", account.parameters)
        putJsonObject("parametersByPart") { parts.forEach { (part, count) -> put("$part", count) } }
        put("weightBytesAt16Bit", account.weightBytes(DType.BF16))
        put("cacheBytesPerTokenAt16Bit", account.cacheBytesPerToken(DType.BF16))
        putJsonObject("flopsOfToken") { POSITIONS.forEach { put("$it", account.flops(1, it - 1)) } }
    }

    private companion object {
        /** Tokens whose cost is told: the first, and one that looks back far. */
        val POSITIONS = listOf(1L, 1024L)
    }
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
