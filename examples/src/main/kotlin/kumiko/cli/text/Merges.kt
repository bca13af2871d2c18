package kumiko.cli.text

/**
 * The merges of a byte-pair encoding that only ranks its tokens (tiktoken, SentencePiece): every way to put a token together from two
 * others is a merge, in the order of the token it makes.
 */
internal object Merges {
    /** Longer than any real token; the ways to split one grow with its length. */
    const val LONGEST = 4096

    /** @param tokens best first; @param orders which of two ways to make the same token comes first */
    fun of(tokens: List<String>, orders: Comparator<Pair<String, String>>): List<Pair<String, String>> {
        val known = tokens.toHashSet()
        return tokens.flatMap { token -> splits(token, known).sortedWith(orders) }
    }

    private fun splits(token: String, known: Set<String>): List<Pair<String, String>> {
        val found = ArrayList<Pair<String, String>>()
        for (cut in 1..<token.length) {
            if (token[cut].isLowSurrogate()) continue
            val left = token.substring(0, cut)
            if (left !in known) continue
            val right = token.substring(cut)
            if (right in known) found += left to right
        }
        return found
    }
}
