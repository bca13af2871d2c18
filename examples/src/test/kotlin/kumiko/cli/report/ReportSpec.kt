package kumiko.cli.report

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import kumiko.architectures.Architectures
import kumiko.cli.Exit
import kumiko.cli.Ran
import kumiko.cli.grouped
import kumiko.cli.kumiko
import kumiko.dsl.compare.Account
import kumiko.dsl.compare.Part
import kumiko.dsl.compare.diff
import kumiko.dsl.spec.shrunk
import kumiko.runtime.tensor.DType

class ReportSpec : FunSpec({
    val seeds = listOf("gpt2-124m", "llama3-8b", "gpt-neox-20b", "chatglm-6b")
    val accounts = seeds.associateWith { Account.of(Architectures[it]) }
    val page = Report(seeds.map { Architectures[it] }).html()

    fun row(title: String): Map<String, String> = Regex("""data-row="${Regex.escape(title)}" data-model="([^"]+)"[^>]*>([^<]*)</td>""")
        .findAll(page).associate { it.groupValues[1] to it.groupValues[2] }

    test("the table gives the published figures") {
        row("parameters") shouldBe mapOf(
            "gpt2-124m" to "124,439,808",
            "llama3-8b" to "8,030,261,248",
            "gpt-neox-20b" to "20,554,567,680",
            "chatglm-6b" to "6,173,286,400",
        )
        row("cache per token, 16 bit") shouldBe mapOf(
            "gpt2-124m" to "36,864 B",
            "llama3-8b" to "131,072 B",
            "gpt-neox-20b" to "1,081,344 B",
            "chatglm-6b" to "458,752 B",
        )
        row("MACs of 1 x 128, all pairs").getValue("chatglm-6b") shouldBe "793,746,866,176"
    }

    test("the cards, which the README's picture shows, round the published figures") {
        val cards = Regex("""<article class="card[^>]*>(.*?)</article>""").findAll(page)
            .map { it.groupValues[1].replace(Regex("<[^>]*>"), " ") }
        cards.map { it.replace(Regex(" +"), " ").trim() }.toList() shouldBe listOf(
            "gpt2-124m 124.4 M parameters 12 layers, 248.9 MB of weights at 16 bit",
            "llama3-8b 8.03 B parameters 32 layers, 16.1 GB of weights at 16 bit",
            "gpt-neox-20b 20.6 B parameters 44 layers, 41.1 GB of weights at 16 bit",
            "chatglm-6b 6.17 B parameters 28 layers, 12.3 GB of weights at 16 bit",
        )
    }

    test("every number of the table is the account's") {
        fun each(title: String, value: (Account) -> String) = withClue(title) { row(title) shouldBe accounts.mapValues { value(it.value) } }
        Part.entries.filter { it != Part.RESIDUAL }.forEach { part -> each("$part") { grouped(it.parameters(part)) } }
        each("MACs of 1 x 128, all pairs") { grouped(it.macs(128, 0)) }
        each("FLOPs of 1 x 128, as masked") { grouped(it.flops(128, 0)) }
        each("FLOPs of token 1,024") { grouped(it.flops(1, 1023)) }
    }

    test("the boxes of every drawing add up to the model's parameters") {
        val figures = Regex("""<figure class="model[^>]*data-model="([^"]+)".*?</figure>""", RegexOption.DOT_MATCHES_ALL).findAll(page)
        val sums = figures.associate { figure ->
            val tips = Regex("""([\d,]+) parameters(?: a layer, ([\d,]+) in \d+)?""").findAll(figure.value)
            figure.groupValues[1] to tips.sumOf { it.groupValues[2].ifEmpty { it.groupValues[1] }.replace(",", "").toLong() }
        }
        sums shouldBe accounts.mapValues { it.value.parameters }
    }

    test("bars and curves tell the account's numbers") {
        val totals = Regex("""data-total="(\d+)" data-model="([^"]+)"""").findAll(page).map {
            it.groupValues[2] to it.groupValues[1].toLong()
        }.toList()
        totals shouldBe seeds.map { it to accounts.getValue(it).parameters } + seeds.map { it to accounts.getValue(it).flops(128, 0) }
        for ((name, account) in accounts) {
            page shouldContain "data-tip=\"$name\n${grouped(account.flops(1024, 0))} FLOPs\nfor a prompt of 1,024 tokens\""
            page shouldContain "data-tip=\"$name\n${grouped(
                1024 * account.cacheBytesPerToken(DType.F16),
            )} bytes of cache\nfor 1,024 tokens\""
            for (part in listOf(
                Part.ATTENTION,
                Part.FFN,
            )) {
                page shouldContain "data-tip=\"$name, $part\n${grouped(account.parameters(part))} parameters\n"
            }
        }
    }

    test("learned positions end the curves of a model, and one without rotary has no wavelengths") {
        page shouldNotContain "data-tip=\"gpt2-124m\n${grouped(accounts.getValue("gpt2-124m").flops(2048, 0))} FLOPs"
        page shouldNotContain "gpt2-124m, pair 0"
        page shouldContain "llama3-8b, pair 0\none turn in 6.3 positions"
        page shouldContain "gpt-neox-20b, pair 11\n"
        page shouldNotContain "gpt-neox-20b, pair 12\n"
    }

    test("the edits from the first model to each other one are told with their effects, which add up") {
        for (other in seeds.drop(1)) {
            val section = Regex(
                """<details class="edits[^>]*data-model="$other">.*?</details>""",
                RegexOption.DOT_MATCHES_ALL,
            ).find(page)!!.value
            val rows = Regex("""<tr class="(?:structure|size)">(.*?)</tr>""").findAll(section).map { row ->
                Regex("""<td class="numeric right">([^<]*)</td>""").findAll(row.value).map { it.groupValues[1].number() }.toList()
            }.toList()
            rows.size shouldBe diff(Architectures[seeds[0]], Architectures[other]).size
            val (a, b) = accounts.getValue(seeds[0]) to accounts.getValue(other)
            rows.sumOf { it[0] } shouldBe b.parameters - a.parameters
            rows.sumOf { it[1] } shouldBe b.flops(128, 0) - a.flops(128, 0)
            rows.sumOf { it[2] } shouldBe b.cacheBytesPerToken(DType.F16) - a.cacheBytesPerToken(DType.F16)
        }
    }

    test("nothing is fetched from anywhere") {
        for (word in listOf("http:", "https:", "src=", "@import", "url(", "<link")) page shouldNotContain word
    }

    test("names are text, whatever they hold") {
        val spec = Architectures["gpt2-124m"].shrunk(2, "embed" to 24, "heads" to 2).copy(name = "<b onclick=\"x\">&amp;")
        val odd = Report(listOf(spec, Architectures["gpt2-124m"])).html()
        odd shouldNotContain "<b onclick"
        odd shouldContain "&lt;b onclick"
    }

    test("names beside lines end inside the picture, however many letters they have") {
        for (letters in listOf(4, 16, 24)) {
            val specs = List(2) { Architectures["llama3.2-1b"].copy(name = "x".repeat(letters - 1) + it) }
            val charts = Regex("""(?s)<svg viewBox="0 0 420 270".*?</svg>""").findAll(Report(specs).html()).joinToString { it.value }
            val starts = Regex("""<text x="([0-9.]+)"[^>]*class="name m0"[^>]*>""").findAll(charts)
                .map { it.groupValues[1].toDouble() }.toList()
            starts.size shouldBe 3
            for (start in starts) withClue("$letters letters from $start") { (start + 7.5 * letters <= 420.0) shouldBe true }
        }
    }

    test("compare writes the page, or says why it cannot") {
        val folder = tempdir().toPath()
        val file = folder.resolve("report.html")
        kumiko(
            "compare",
            *seeds.toTypedArray(),
            "--html",
            "$file",
        ) shouldBe Ran(Exit.GOOD, "", "$file: ${seeds.joinToString(", ")} side by side\n")
        file.toFile().readText() shouldBe page
        folder.toFile().list()!!.toList() shouldBe listOf("report.html")
        val nowhere = folder.resolve("none/report.html")
        kumiko("compare", "gpt2-124m", "--html", "$nowhere", width = 400) shouldBe
            Ran(Exit.BAD_INPUT, "", "$nowhere: there is no folder ${nowhere.parent} to write it in\n")
        kumiko("compare", "gpt2-124m", "--html", "$folder", width = 400) shouldBe
            Ran(Exit.BAD_INPUT, "", "$folder: is a folder; name the file to write\n")
    }
})

private fun String.number(): Long = if (this == "-") 0 else replace(",", "").toLong()
