package kumiko.cli

import kumiko.dsl.compare.Edit
import kumiko.dsl.compare.Effect

/** What the columns of [Edit.row] are, the last three of them numbers. */
internal fun editHeader(first: String): List<String> = listOf(first, "", "parameters", "FLOPs of ${Effect.PROMPT} tokens", "cache a token")

/** What changes, from what to what, and by how much that changes the account. */
internal fun Edit.row(): List<String> {
    val place = if (where.isEmpty()) "" else " (${where.joinToString(", ")})"
    val change = "$from -> $to$place" + if (effect.together) " *" else ""
    return listOf(subject, change) + listOf(effect.parameters, effect.flops, effect.cacheBytesPerToken).map(::signed)
}

/** What the star in [Edit.row] says. */
internal const val TOGETHER = "* a model only together; counted at the first"

private fun signed(change: Long) = if (change > 0) {
    "+${grouped(change)}"
} else if (change < 0) {
    grouped(change)
} else {
    ABSENT
}
