package kumiko.dsl.mapping

/** The known word nearest to a misspelt one, if any is near: at most a third of its letters differ, a swap of neighbours counting once. */
internal fun nearest(word: String, known: Collection<String>): String? = known.map { it to editDistance(word.lowercase(), it.lowercase()) }
    .filter { (candidate, distance) -> distance <= maxOf(1, maxOf(word.length, candidate.length) / 3) }
    .minByOrNull { it.second }?.first

/** `; did you mean "transpose"?` or the list of what is known. */
internal fun didYouMean(word: String, known: Collection<String>): String =
    nearest(word, known)?.let { "; did you mean \"$it\"?" } ?: "; known here: ${known.sorted().joinToString(", ")}"

/** Optimal string alignment distance: insert, delete, replace, swap of neighbours. */
private fun editDistance(a: String, b: String): Int {
    val rows = Array(a.length + 1) { IntArray(b.length + 1) }
    for (i in 0..a.length) rows[i][0] = i
    for (j in 0..b.length) rows[0][j] = j
    for (i in 1..a.length) {
        for (j in 1..b.length) {
            val same = if (a[i - 1] == b[j - 1]) 0 else 1
            var best = minOf(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + same)
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) best = minOf(best, rows[i - 2][j - 2] + 1)
            rows[i][j] = best
        }
    }
    return rows[a.length][b.length]
}
