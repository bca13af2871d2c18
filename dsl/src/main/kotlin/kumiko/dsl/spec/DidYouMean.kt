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

/** Insertions, deletions and replacements that turn [a] into [b] (Levenshtein). */
private fun distance(a: String, b: String): Int {
    var previous = IntArray(b.length + 1) { it }
    for (i in a.indices) {
        val current = IntArray(b.length + 1)
        current[0] = i + 1
        for (j in b.indices) {
            val replaced = previous[j] + if (a[i] == b[j]) 0 else 1
            current[j + 1] = minOf(replaced, previous[j + 1] + 1, current[j] + 1)
        }
        previous = current
    }
    return previous[b.length]
}
