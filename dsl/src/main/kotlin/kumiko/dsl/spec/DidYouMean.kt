@file:JvmName("DidYouMean")

package kumiko.dsl.spec

/** The known word nearest to a misspelt one, or null where none is near. */
public fun nearest(word: String, known: Collection<String>): String? = known
    .map { it to distance(word.lowercase(), it.lowercase()) }
    .filter { (candidate, edits) -> edits <= maxOf(1, minOf(word.length, candidate.length) / 3) }
    .minByOrNull { it.second }
    ?.first

/** `; did you mean x?` where a known word is near, else the list of all. */
public fun knownNames(word: String, known: Collection<String>): String = nearest(word, known)?.let { "; did you mean $it?" }
    ?: if (known.isEmpty()) "; none is known here" else "; known are ${known.joinToString(", ")}"

/** Insertions, deletions, replacements and exchanged neighbours that turn [a] into [b] (optimal string alignment). */
private fun distance(a: String, b: String): Int {
    val edits = Array(a.length + 1) { i -> IntArray(b.length + 1) { j -> if (i == 0) j else i } }
    for (i in 1..a.length) {
        for (j in 1..b.length) {
            val replaced = edits[i - 1][j - 1] + if (a[i - 1] == b[j - 1]) 0 else 1
            val exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
            val exchange = if (exchanged) edits[i - 2][j - 2] + 1 else replaced
            edits[i][j] = minOf(minOf(edits[i - 1][j], edits[i][j - 1]) + 1, replaced, exchange)
        }
    }
    return edits[a.length][b.length]
}
