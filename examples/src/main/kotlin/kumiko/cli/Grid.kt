package kumiko.cli

import com.github.ajalt.mordant.rendering.TextStyles.bold
import com.github.ajalt.mordant.terminal.Terminal
import java.util.Locale

/**
 * Prints a table in the style of all commands: a line under the header, columns in [numbers] to the right. A table that is wider than
 * the terminal breaks its widest columns between words; a word is never cut, so a very narrow terminal gets long lines.
 */
internal fun Terminal.printGrid(header: List<String>, rows: List<List<String>>, numbers: Set<Int> = setOf()) {
    val grid = Grid(listOf(header) + rows, numbers, size.width)
    grid.lines(header).forEach { println(bold(it)) }
    rawPrint("─".repeat(grid.width) + "\n")
    rows.flatMap { grid.lines(it) }.forEach { rawPrint(it.replace(TIED, ' ') + "\n") }
}

/** Columns that a table needs at least. */
internal fun narrowestGrid(rows: List<List<String>>): Int = Grid(rows, setOf(), 0).width

/** A blank that no line is broken at. */
internal const val TIED = '\u00a0'

private class Grid(rows: List<List<String>>, private val numbers: Set<Int>, room: Int) {
    private val widths: IntArray = IntArray(rows[0].size) { column -> rows.maxOf { it[column].length } }

    val width: Int get() = widths.sum() + GAP.length * (widths.size - 1)

    init {
        val narrowest = IntArray(widths.size) { column ->
            if (column in numbers) widths[column] else rows.maxOf { row -> row[column].narrowest() }
        }
        while (width > room) {
            val widest = widths.indices.filter { widths[it] > narrowest[it] }.maxByOrNull { widths[it] } ?: break
            widths[widest]--
        }
    }

    /** The lines of one row. */
    fun lines(row: List<String>): List<String> {
        val cells = row.mapIndexed { column, cell -> cell.wrapped(widths[column]) }
        return (0..<cells.maxOf { it.size }).map { y ->
            cells.mapIndexed { column, lines ->
                val line = lines.getOrElse(y) { "" }
                if (column in numbers) line.padStart(widths[column]) else line.padEnd(widths[column])
            }.joinToString(GAP).trimEnd()
        }
    }

    private companion object {
        const val GAP = "  "
    }
}

/** Words with the blanks before them; a product is words, too. */
private fun String.pieces(): List<String> {
    val indent = takeWhile { it == ' ' }
    val words = drop(indent.length).split(BREAKS)
    return listOf(indent + words[0]) + words.drop(1)
}

private val BREAKS = Regex("(?<=[^ ])(?= )|(?<=\\*)(?=[^ ])")

/** This text in lines of at most [width] columns, broken between words. */
internal fun String.wrapped(width: Int): List<String> {
    if (length <= width) return listOf(this)
    val lines = mutableListOf<String>()
    for (piece in pieces()) {
        val line = lines.lastOrNull()
        if (line == null) {
            lines += piece
        } else if (line.length + piece.length > width) {
            lines += piece.trimStart(' ')
        } else {
            lines[lines.lastIndex] = line + piece
        }
    }
    return lines
}

/** The length of the longest piece. */
private fun String.narrowest(): Int = pieces().let { pieces ->
    maxOf(pieces[0].length, pieces.drop(1).maxOfOrNull { it.trimStart(' ').length } ?: 0)
}

/** `8,030,261,248`. */
internal fun grouped(number: Long): String = String.format(Locale.ROOT, "%,d", number)
