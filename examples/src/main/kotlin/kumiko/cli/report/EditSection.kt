package kumiko.cli.report

import kotlinx.html.FlowContent
import kotlinx.html.details
import kotlinx.html.div
import kotlinx.html.h2
import kotlinx.html.id
import kotlinx.html.p
import kotlinx.html.section
import kotlinx.html.span
import kotlinx.html.summary
import kotlinx.html.table
import kotlinx.html.tbody
import kotlinx.html.td
import kotlinx.html.th
import kotlinx.html.thead
import kotlinx.html.tr
import kumiko.cli.TOGETHER
import kumiko.cli.editHeader
import kumiko.cli.row
import kumiko.dsl.compare.Edit
import kumiko.dsl.compare.diff
import kumiko.dsl.spec.ModelSpec

/** The edits that turn the first of some models into each of the others, for a page. */
internal class EditSection(models: List<ModelSpec>) {
    private val from = models.first()
    private val others = models.drop(1)

    fun FlowContent.draw() = section {
        id = "edits"
        h2 { +"What turns one into another" }
        p("lead") {
            +"The shortest list of edits from ${from.name} to each of the others, structure before sizes and the heaviest first, "
            +"with what each changes in parameters, arithmetic and cache when it is made on top of those above it."
        }
        others.forEachIndexed { index, to -> edits(index + 1, to, diff(from, to)) }
    }

    private fun FlowContent.edits(index: Int, to: ModelSpec, edits: List<Edit>) = details("edits m$index") {
        attributes["data-model"] = to.name
        open = others.size == 1
        summary {
            +"${from.name} → "
            span("name") { +to.name }
            span("faint") {
                +if (edits.isEmpty()) "the same but for names" else "${edits.size} ${if (edits.size == 1) "edit" else "edits"}"
            }
        }
        if (edits.isNotEmpty()) div("scroll") { table(edits) }
        if (edits.any { it.effect.together }) p("small") { +TOGETHER }
    }

    private fun FlowContent.table(edits: List<Edit>) = table {
        thead {
            tr {
                editHeader("").forEachIndexed { column, word -> th(classes = "right".takeIf { column >= NUMBERS }) { +word } }
            }
        }
        tbody {
            edits.forEach { edit ->
                tr(edit.kind.name.lowercase()) {
                    val cells = edit.row()
                    th { +cells.first() }
                    cells.drop(1).forEachIndexed { column, cell -> td(if (column + 1 >= NUMBERS) "numeric right" else null) { +cell } }
                }
            }
        }
    }

    private companion object {
        /** The first column of numbers. */
        const val NUMBERS = 2
    }
}
