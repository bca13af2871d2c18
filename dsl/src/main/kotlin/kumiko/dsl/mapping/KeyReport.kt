package kumiko.dsl.mapping

/** A [KeyAccount] for people: problems and matches grouped by layer range. */
object KeyReport {
    private const val LABEL = 13

    /** All problems, alike ones of several layers folded into one. */
    fun problems(account: KeyAccount): String {
        val groups = grouped(account.problems)
        val count = if (groups.size == 1) "1 problem" else "${groups.size} problems"
        return (listOf("${account.model} through map ${account.map}: $count") + groups.map(::problem)).joinToString("\n")
    }

    fun grouped(problems: List<KeyProblem>): List<KeyProblem> = problems.groupBy { p ->
        listOf(p.kind, LayerRanges.skeleton(p.name), skeletons(p.spec), skeletons(p.checkpoint), skeletons(p.hint))
    }
        .values.map { group ->
            KeyProblem(
                group.first().kind,
                LayerRanges.fold(group.map { it.name }),
                folded(group.map { it.spec }),
                folded(group.map { it.checkpoint }),
                folded(group.map { it.hint }),
            )
        }.sortedBy { it.kind }

    private fun problem(p: KeyProblem): String = listOfNotNull(
        "  ${p.kind.word}: ${p.name}",
        p.spec?.let { "    ${"spec".padEnd(LABEL)}$it" },
        p.checkpoint?.let { "    ${"checkpoint".padEnd(LABEL)}$it" },
        p.hint?.let { "    ${"hint".padEnd(LABEL)}$it" },
    ).joinToString("\n")

    private fun skeletons(text: String?) = text?.split(' ')?.map(LayerRanges::skeleton)

    /** Texts that differ only in layer numbers, word by word. */
    private fun folded(texts: List<String?>): String? {
        val words = texts.map { (it ?: return null).split(' ') }
        return words.first().indices.joinToString(" ") { i -> LayerRanges.fold(words.map { it[i] }) }
    }
}
