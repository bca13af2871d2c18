package kumiko.cli.report

import kotlinx.html.FlowContent
import kotlinx.html.HTML
import kotlinx.html.TABLE
import kotlinx.html.article
import kotlinx.html.body
import kotlinx.html.button
import kotlinx.html.div
import kotlinx.html.figcaption
import kotlinx.html.figure
import kotlinx.html.footer
import kotlinx.html.h1
import kotlinx.html.h2
import kotlinx.html.h3
import kotlinx.html.head
import kotlinx.html.header
import kotlinx.html.html
import kotlinx.html.id
import kotlinx.html.lang
import kotlinx.html.main
import kotlinx.html.meta
import kotlinx.html.p
import kotlinx.html.role
import kotlinx.html.script
import kotlinx.html.section
import kotlinx.html.span
import kotlinx.html.stream.appendHTML
import kotlinx.html.style
import kotlinx.html.table
import kotlinx.html.tbody
import kotlinx.html.td
import kotlinx.html.th
import kotlinx.html.thead
import kotlinx.html.title
import kotlinx.html.tr
import kotlinx.html.unsafe
import kumiko.cli.bytes
import kumiko.cli.machine.Estimates
import kumiko.cli.machine.ThisMachine
import kumiko.cli.observe.Observed
import kumiko.dsl.compare.Account
import kumiko.dsl.compare.Effect
import kumiko.dsl.compare.layers
import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.tensor.DType

/** Models side by side as one self-contained page: nothing is fetched, so it can be sent and kept. */
internal class Report(
    private val models: List<ModelSpec>,
    private val observed: Observed? = null,
    private val machine: ThisMachine? = null,
) {
    private val accounts = models.map { Account.of(it) }
    private val names = models.map { it.name }
    private val rows = comparison(accounts)

    fun html(): String = buildString {
        append("<!DOCTYPE html>\n")
        appendHTML(prettyPrint = false).html { page() }
    }

    private fun HTML.page() {
        lang = "en"
        head {
            meta(charset = "utf-8")
            meta(name = "viewport", content = "width=device-width, initial-scale=1")
            meta(name = "color-scheme", content = "light dark")
            title(names.joinToString(", ") + " side by side")
            style { unsafe { raw(resource("report.css")) } }
        }
        body {
            header { heading() }
            main {
                wirings()
                if (models.size > 1) with(EditSection(models)) { draw() }
                table()
                splits()
                curves()
                machine?.let { machine(Estimates(it)) }
                observed?.let { with(RunSections(it)) { draw() } }
            }
            footer { p { +"Made by kumiko compare. Every figure follows from the specs alone; a multiply and an add are two FLOPs." } }
            div("tip") {
                id = "tip"
                role = "tooltip"
            }
            script { unsafe { raw(resource("report.js")) } }
            if (observed != null) script { unsafe { raw(resource("run.js")) } }
        }
    }

    private fun FlowContent.heading() {
        p("over") { +"Architectures side by side" }
        h1 {
            names.take(TITLES).forEachIndexed { index, name ->
                if (index > 0) +", "
                span { +name }
            }
            if (names.size > TITLES) +" and ${names.size - TITLES} more"
        }
        div("cards") { accounts.forEachIndexed { index, account -> card(index, account) } }
    }

    private fun FlowContent.card(index: Int, account: Account) = article("card m$index") {
        h2 { +account.spec.name }
        p("figure") {
            span("number") { +short(account.parameters) }
            +" parameters"
        }
        p("small") { +"${account.spec.layers} layers, ${bytes(account.weightBytes(DType.BF16))} of weights at 16 bit" }
    }

    private fun FlowContent.wirings() = section {
        id = "wiring"
        h2 { +"How they are wired" }
        p("lead") {
            +"The stream runs down the left; what a branch computes is added to it. Layers that are alike are drawn once. "
            +"Marked in "
            span("differs") { +"this colour" }
            +" is what another model has and the chosen one has not; plain sizes are marked weakly. Point at a box for shapes and costs."
        }
        div("chooser") {
            role = "group"
            attributes["aria-label"] = "Compare with"
            span { +"Compare with" }
            names.forEachIndexed { index, name ->
                button(classes = "choose") {
                    attributes["data-reference"] = name
                    attributes["aria-pressed"] = "${index == 0}"
                    +name
                }
            }
        }
        val reference = Facts(accounts.first().layers())
        val pictures = accounts.mapIndexed { index, account -> BlockPicture(account, reference, index == 0) }
        val widest = pictures.maxOf { it.width }
        div("wirings" + if (pictures.sumOf { it.width } < ROW) " row" else "") {
            style = "--columns:" + pictures.joinToString(" ") {
                "${it.width.toInt()}fr"
            } + ";--room:${pictures.sumOf { it.width + BETWEEN }.toInt()}px"
            accounts.forEachIndexed { index, account ->
                figure("model m$index") {
                    attributes["data-model"] = account.spec.name
                    style = "--ratio:%.3f".format(java.util.Locale.ROOT, pictures[index].width / widest)
                    figcaption { +account.spec.name }
                    unsafe { raw(pictures[index].draw()) }
                }
            }
        }
    }

    private fun FlowContent.table() = section {
        id = "table"
        h2 { +"In numbers and words" }
        div("scroll") {
            table {
                thead {
                    tr {
                        th { }
                        accounts.forEachIndexed { index, account -> th(classes = "m$index") { +account.spec.name } }
                    }
                }
                body()
            }
        }
    }

    private fun TABLE.body() = tbody {
        rows.forEach { row ->
            tr(if (row.part) "sub" else null) {
                th { +row.title }
                row.cells.forEachIndexed { index, cell ->
                    td(style(row, index)) {
                        attributes["data-row"] = row.title
                        attributes["data-model"] = names[index]
                        if (row.comparable) attributes["data-compare"] = ""
                        +(cell ?: "–")
                    }
                }
            }
        }
    }

    private fun style(row: TableRow, index: Int): String? = when {
        row.numeric -> "numeric"
        row.comparable && row.cells[index] != row.cells[0] -> "differs"
        else -> null
    }

    private fun FlowContent.splits() = section {
        id = "splits"
        h2 { +"Where the parameters are, and the work" }
        div("charts") {
            chart(
                "Parameters by part",
                shares("Parameters by part", accounts, "parameters", ::short) { account, part ->
                    account.parameters(part)
                },
            )
            val work = "Work of a prompt of ${Effect.PROMPT} tokens, by part"
            chart(work, shares(work, accounts, "FLOPs", ::giga) { account, part -> account.flops(part, Effect.PROMPT, 0) })
        }
        p("legend") {
            kumiko.dsl.compare.Part.entries.filter { part ->
                accounts.any { it.flops(part, Effect.PROMPT, 0) > 0 || it.parameters(part) > 0 }
            }.forEach { part ->
                span("key $part") { +part.title }
            }
        }
    }

    private fun FlowContent.curves() = section {
        id = "curves"
        h2 { +"What length costs" }
        div("charts") {
            chart("Arithmetic grows with the prompt", costCurves(accounts))
            chart("The cache grows with the context", cacheCurves(accounts))
            wavelengths(accounts)?.let { chart("How fast rotary pairs turn", it) }
        }
    }

    private fun FlowContent.machine(estimates: Estimates) = section {
        id = "machine"
        h2 { +"On this machine" }
        p("lead") { +"${estimates.machine.toString().replaceFirstChar { it.uppercase() }}. ${Estimates.ABOUT}" }
        div("scroll") {
            table {
                thead {
                    tr {
                        th { }
                        names.forEachIndexed { index, name -> th(classes = "m$index") { +name } }
                    }
                }
                tbody {
                    estimates.rows(accounts).forEach { row ->
                        tr {
                            th { +row.first() }
                            row.drop(1).forEach { td("numeric") { +it } }
                        }
                    }
                }
            }
        }
    }

    private fun resource(name: String): String = Report::class.java.getResource(name)!!.readText()

    private companion object {
        const val TITLES = 4

        /** Pictures that are wider together than this are drawn in several rows. */
        const val ROW = 1700.0
        const val BETWEEN = 28.0
    }
}

/** A chart in a frame of its own. */
internal fun FlowContent.chart(title: String, svg: String) = figure("panel") {
    h3 { +title }
    unsafe { raw(svg) }
}
