package kumiko.cli.report

import kotlinx.html.FlowContent
import kotlinx.html.button
import kotlinx.html.div
import kotlinx.html.h2
import kotlinx.html.h3
import kotlinx.html.id
import kotlinx.html.label
import kotlinx.html.p
import kotlinx.html.role
import kotlinx.html.script
import kotlinx.html.section
import kotlinx.html.select
import kotlinx.html.span
import kotlinx.html.unsafe
import kumiko.cli.observe.Observed
import java.util.Locale

/** What checkpoints compute for one sequence, for a page: next tokens, where two part, the residual stream, attention. */
internal class RunSections(private val observed: Observed) {
    private val runs = observed.runs
    private val pair = observed.pair

    fun FlowContent.draw() {
        next()
        if (pair != null) parting()
        stream()
        if (runs.any { it.attention.isNotEmpty() }) attention()
        script(type = "application/json") {
            attributes["id"] = "run"
            unsafe { raw(observed.pageData()) }
        }
    }

    private fun FlowContent.next() = section {
        id = "next"
        h2 { +"What comes next" }
        p("lead") {
            val count = runs.first().next.first().size
            +"The $count most probable next tokens behind each of the ${observed.ids.size} tokens. Choose a token to read behind it."
            if (pair != null) {
                +" The stronger a token is marked, the more probability lies elsewhere in the other model; "
                +"framed is where another token is the most probable."
            }
        }
        div("tokens") {
            role = "group"
            attributes["aria-label"] = "Behind which token"
            observed.ids.forEachIndexed { position, id -> token(position, id) }
        }
        div("nexts") { runs.indices.forEach { div("m$it") { attributes["data-next"] = "$it" } } }
    }

    private fun FlowContent.token(position: Int, id: Int) = button(classes = "token" + if (differs(position)) " parted" else "") {
        attributes["data-position"] = "$position"
        attributes["aria-pressed"] = "${position == observed.ids.lastIndex}"
        val apart = pair?.apart?.get(position)
        attributes["data-tip"] = "position $position, token $id" +
            apart?.let { "\n${Observed.percent(it)} of the next token lies elsewhere" }.orEmpty()
        attributes["style"] = "--apart:" + "%.3f".format(Locale.ROOT, apart ?: 0.0)
        +observed.words.word(id)
    }

    private fun differs(position: Int) = runs.map { it.next[position].first().id }.distinct().size > 1

    private fun FlowContent.parting() = section {
        id = "parting"
        h2 { +"Where they part" }
        observed.parting().forEach { p("lead") { +it } }
        if (pair!!.stream.isEmpty()) {
            p("lead") { +"Their residual streams have different widths, so nothing inside them can be held against each other." }
        } else {
            div("panel") {
                h3 { +"The residual stream: |a − b| / max(|a|, |b|) of every row" }
                div("scroll plain") { div { attributes["id"] = "parted" } }
                p("small") { +"Empty is a millionth or less, full is 1. Rows are the input of the first block and the output of each." }
            }
        }
    }

    private fun FlowContent.stream() = section {
        id = "stream"
        h2 { +"The residual stream grows" }
        div("charts") {
            chart("Norm of the rows, all positions' mean", normCurves(observed.runs) { norms -> norms.average() })
            chart("Norm of the last position's row", normCurves(observed.runs) { norms -> norms.last() })
        }
    }

    private fun FlowContent.attention() = section {
        id = "attention"
        h2 { +"What looks at what" }
        p("lead") {
            +"Each square is a head: a row for each token that looks, a column for each that is looked at. Choose a head to read it."
            observed.leftOut?.let { +" To keep this file small it has only $it." }
        }
        div("chooser") {
            label {
                attributes["for"] = "layer"
                +"Layer"
            }
            select {
                id = "layer"
            }
            span("faint") { attributes["id"] = "apart" }
        }
        div("looks") {
            runs.forEachIndexed { index, run ->
                div("look m$index") {
                    attributes["data-look"] = "$index"
                    h3 { +run.model }
                    div("heads") { }
                    div("scroll plain") { div("head") { } }
                }
            }
        }
    }
}
