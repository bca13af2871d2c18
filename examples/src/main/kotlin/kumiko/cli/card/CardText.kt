package kumiko.cli.card

import kumiko.cli.grouped
import java.util.Locale

/** A card as a page in Markdown. */
internal fun Card.markdown(): String = buildString {
    append("# $model\n\n${if (good) "Everything that was checked is as it should be." else "**Something is not as it should be.**"}\n\n")
    append(table(listOf("", ""), facts()))
    append("\n## Files\n\n")
    append(table(listOf("file", "bytes", "SHA-256"), files.map { listOf(it.name, grouped(it.bytes), "`${it.sha256}`") }))
    append("\n## Against the original\n\n" + (parity?.page() ?: "No reference was given, so nothing says what the original computes.\n"))
    append("\n## Greedy continuations\n\n")
    append(
        table(
            listOf("prompt", "tokens"),
            greedy.map {
                listOf(it.prompt.joinToString(" "), it.tokens.joinToString(" ").ifEmpty { "-" })
            },
        ),
    )
    append("\n## Measured here, and another elsewhere\n\n" + table(listOf("", ""), measured.facts()))
}

private fun Card.facts(): List<List<String>> = listOf(
    listOf("spec", "`$spec`"),
    listOf("map", "${map.name}, `${map.sha256}`" + if (map.shards == 1) "" else ", ${map.shards} shards"),
    listOf("parameters", grouped(parameters)),
    listOf(
        "keys",
        "${keys.filling} fill ${keys.parameters} parameters, ${keys.tied} repeat one, ${keys.ignored} are no weights, " +
            "${keys.problems} problems",
    ),
    listOf("round trip", roundTrip.text()),
)

private fun RoundTripCard.text(): String = if (different.isEmpty()) {
    "all $tensors tensors come out byte for byte"
} else {
    "${different.size} of $tensors tensors differ: ${different.joinToString()}"
}

private fun ParityCard.page(): String {
    val rows = nodes.map { listOf(it.node, it.reference, short(it.tolerance), it.float32, it.float64, short(it.maxAbs64)) }
    return "$sequences sequences of `${reference.name}` (`${reference.sha256}`), $equal of $continuations continuations equal.\n\n" +
        table(listOf("node", "reference", "tolerance", "float32", "float64", "error in float64"), rows)
}

private fun MeasuredCard.facts(): List<List<String>> = listOf(
    listOf("kumiko", kumiko),
    listOf("java", java),
    listOf("system", system),
    listOf("kernels", kernels),
    listOf("loaded in", "$loadMillis ms"),
    listOf("prompts", "${grouped(prefillTokensPerSecond.toLong())} tokens/s"),
    listOf("decoding", "${grouped(decodeTokensPerSecond.toLong())} tokens/s"),
) + listOfNotNull(maxAbs32.maxByOrNull { it.value }?.let { listOf("largest error in float32", "${short(it.value)} (${it.key})") })

private fun short(value: Double): String = "%.2e".format(Locale.ROOT, value)

private fun table(header: List<String>, rows: List<List<String>>): String =
    (listOf(header, header.map { "---" }) + rows).joinToString("") { row -> row.joinToString(" | ", "| ", " |\n") }
