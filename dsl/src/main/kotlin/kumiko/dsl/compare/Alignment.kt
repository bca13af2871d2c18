package kumiko.dsl.compare

/** What becomes of the elements of one list on the way to another. */
internal sealed interface Aligned {
    /** Element [index] becomes element [other]. */
    data class Kept(val index: Int, val other: Int) : Aligned

    /** Elements [removed] go and elements [inserted] of the other list come in their place, before element [index]. */
    data class Changed(val index: Int, val removed: List<Int>, val inserted: List<Int>) : Aligned
}

/**
 * The cheapest way from [a] to [b]. Elements may become one another where [unlike] says how unlike they are, 0 to 1; an insertion or a
 * removal costs 1, so what can be kept is kept.
 */
internal fun <T> align(a: List<T>, b: List<T>, unlike: (T, T) -> Double?): List<Aligned> {
    val cost = Array(a.size + 1) { i -> DoubleArray(b.size + 1) { j -> (a.size - i + b.size - j).toDouble() } }
    fun kept(i: Int, j: Int) = unlike(a[i], b[j])?.let { it + cost[i + 1][j + 1] } ?: Double.POSITIVE_INFINITY
    for (i in a.indices.reversed()) {
        for (j in b.indices.reversed()) cost[i][j] = minOf(kept(i, j), 1 + cost[i + 1][j], 1 + cost[i][j + 1])
    }
    val result = mutableListOf<Aligned>()
    var (i, j) = 0 to 0
    var (fromI, fromJ) = 0 to 0
    fun flush() {
        if (fromI < i || fromJ < j) result += Aligned.Changed(fromI, (fromI..<i).toList(), (fromJ..<j).toList())
    }
    while (i < a.size || j < b.size) {
        if (i < a.size && j < b.size && cost[i][j] == kept(i, j)) {
            flush()
            result += Aligned.Kept(i++, j++)
            fromI = i
            fromJ = j
        } else if (i < a.size && cost[i][j] == 1 + cost[i + 1][j]) {
            i++
        } else {
            j++
        }
    }
    flush()
    return result
}
