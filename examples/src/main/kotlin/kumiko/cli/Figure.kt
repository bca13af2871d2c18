package kumiko.cli

/** A drawing in lines of text. What it draws flows in at the top and out at the bottom of column [port]. */
internal class Figure(val lines: List<String>, val port: Int) {
    val width: Int get() = lines.maxOf { it.length }

    private fun shifted(by: Int): Figure = Figure(lines.map { " ".repeat(by) + it }, port + by)

    companion object {
        /** Rows in a frame, one under the other. */
        fun box(rows: List<String>): Figure {
            val inner = rows.maxOf { it.length } + 2
            val port = inner / 2 + 1
            fun edge(left: Char, join: Char, right: Char) = left + "─".repeat(port - 1) + join + "─".repeat(inner - port) + right
            return Figure(listOf(edge('┌', '┴', '┐')) + rows.map { "│ ${it.padEnd(inner - 2)} │" } + edge('└', '┬', '┘'), port)
        }

        /** One behind the other. */
        fun stack(parts: List<Figure>): Figure {
            val port = parts.maxOf { it.port }
            return Figure(parts.flatMap { it.shifted(port - it.port).lines }, port)
        }

        /** The stream passes on the left, [branches] leave it and come back at [join], which [note] explains. */
        fun residual(branches: List<Figure>, join: Char, note: String): Figure {
            val row = beside(branches)
            val ports = row.ports.map { it + INDENT }
            val body = row.lines.map { "│" + " ".repeat(INDENT - 1) + it }
            return Figure(listOf(rail('├', ports, '┬', '┐')) + body + (rail(join, ports, '┴', '┘') + note), 0)
        }

        /** All [branches] read the same rows; their results meet at [join]. */
        fun fan(branches: List<Figure>, join: Char): Figure {
            val row = beside(branches)
            val first = row.ports.first()
            fun rail(start: Char, middle: Char, end: Char) =
                " ".repeat(first) + rail(start, row.ports.drop(1).map { it - first }, middle, end)
            return Figure(listOf(rail('├', '┬', '┐')) + row.lines + rail(join, '┴', '┘'), first)
        }

        private const val INDENT = 3

        private class Row(val lines: List<String>, val ports: List<Int>)

        /** Next to each other, the shorter ones drawn down to the end. */
        private fun beside(figures: List<Figure>): Row {
            val height = figures.maxOf { it.lines.size }
            val offsets = figures.runningFold(0) { x, figure -> x + figure.width + 2 }
            val lines = (0..<height).map { y ->
                figures.joinToString("  ") { (it.lines.getOrNull(y) ?: (" ".repeat(it.port) + "│")).padEnd(it.width) }.trimEnd()
            }
            return Row(lines, figures.zip(offsets) { figure, x -> x + figure.port })
        }

        private fun rail(start: Char, ports: List<Int>, middle: Char, end: Char): String {
            val line = CharArray(ports.last() + 1) { '─' }
            line[0] = start
            ports.forEach { line[it] = middle }
            line[ports.last()] = end
            return String(line)
        }
    }
}
