package kumiko.runtime.checkpoint

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldNotBeEmpty
import io.kotest.matchers.shouldBe
import kumiko.runtime.referenceData
import kumiko.runtime.tensor.DType
import java.nio.file.Files
import java.nio.file.Path

/** One row of a key table: a key template, its shape, its type, and the files that hold it (empty: the only file). */
private data class Row(val keys: List<String>, val shape: String, val type: DType, val files: String)

private data class Set(val name: String, val rows: List<Row>)

private fun sets(readme: Path): List<Set> {
    val sections = Files.readString(readme).split(Regex("(?m)^### ")).drop(1)
    return sections.mapNotNull { section ->
        val table = section.substringAfter("| key | shape | type | file |\n", "").lines().drop(1)
        val rows = table.takeWhile { it.startsWith("|") }.map(::row)
        if (rows.isEmpty()) null else Set(section.lineSequence().first().trim(), rows)
    }
}

private fun row(line: String): Row {
    val cells = line.trim('|').split(" | ").map { it.trim(' ', '|') }
    return Row(unfold(cells[0]), cells[1], DType.valueOf(cells[2]), cells.getOrElse(3) { "" })
}

/** `layers.{0..2}.weight` or `layers.{0,3}.weight` as the names it stands for. */
private fun unfold(template: String): List<String> {
    val range = Regex("\\{([^}]*)}").find(template) ?: return listOf(template)
    val numbers = range.groupValues[1].split(",").flatMap { part ->
        val ends = part.trim().split("..").map(String::toInt)
        (ends.first()..ends.last()).toList()
    }
    return numbers.flatMap { unfold(template.replaceRange(range.range, it.toString())) }
}

/** In how many files a row's keys come: named one by one, counted, or left out where there is one file. */
private fun fileCount(files: String): Int = Regex("(\\d+) files").matchEntire(files)?.groupValues?.get(1)?.toInt() ?: files.split(", ").size

class ReferenceCheckpointsSpec :
    FunSpec({
        val reference = referenceData

        test("every reference checkpoint opens with the keys, shapes, types and file counts that its table lists")
            .config(enabled = reference != null) {
                for (set in sets(reference!!.resolve("README.md")).shouldNotBeEmpty()) {
                    withClue(set.name) { found(reference.resolve(set.name)) shouldBe expected(set.rows) }
                }
            }
    })

private fun expected(rows: List<Row>): Map<String, Int> =
    rows.flatMap { row -> row.keys.map { "$it ${row.type} ${row.shape}" to fileCount(row.files) } }.toMap()

private fun found(folder: Path): Map<String, Int> = Checkpoint.open(folder).use { checkpoint ->
    val entries = checkpoint.files().map(checkpoint::file).flatMap { file -> file.names().map(file::entry) }
    entries.groupingBy { "${it.name()} ${it.dtype()} ${it.shape()}" }.eachCount()
}
