package kumiko.cli

import com.github.ajalt.mordant.terminal.Terminal

/** All names, each new one behind the one it stands behind in its own model. */
internal fun mergedNames(models: List<Set<String>>): List<String> = models.map { it.toList() }.reduce { all, names ->
    names.foldIndexed(all) { index, merged, name ->
        if (name in merged) merged else merged.toMutableList().apply { add(indexOf(names.getOrNull(index - 1)) + 1, name) }
    }
}

/**
 * Prints a table with a column for each of [models] and a name before each row. Where they do not fit side by side, as many do as fit,
 * and the others follow below; rows that none of these has are left out.
 */
internal fun Terminal.printSideBySide(models: List<String>, rows: List<List<String>>) {
    fun table(columns: List<Int>): Pair<List<String>, List<List<String>>> {
        val chosen = rows.map { row -> listOf(row.first()) + columns.map { row[it + 1] } }
        return (listOf("") + columns.map { models[it] }) to chosen.filter { row -> row.drop(1).any { it != ABSENT } }
    }
    val groups = (1..models.size).map { models.indices.chunked((models.size + it - 1) / it) }
    val fitting = groups.firstOrNull { group ->
        group.all { columns -> table(columns).let { (header, body) -> narrowestGrid(listOf(header) + body) <= size.width } }
    } ?: groups.last()
    fitting.forEachIndexed { index, columns ->
        if (index > 0) rawPrint("\n")
        table(columns).let { (header, body) -> printGrid(header, body) }
    }
}

/** Stands where a model has nothing to tell. */
internal const val ABSENT = "-"
