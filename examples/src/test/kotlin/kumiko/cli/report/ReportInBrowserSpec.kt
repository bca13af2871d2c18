package kumiko.cli.report

import io.kotest.core.annotation.EnabledIf
import io.kotest.core.spec.Spec
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import kumiko.architectures.Architectures
import kumiko.cli.Exit
import kumiko.cli.TinyCheckpoints
import kumiko.cli.kumiko
import java.nio.file.Files
import java.nio.file.Path
import java.util.concurrent.TimeUnit
import kotlin.reflect.KClass

/** Opens the page in a browser and uses it. Skipped where no chromium is installed. */
@EnabledIf(HasChromium::class)
class ReportInBrowserSpec : FunSpec({
    val models = listOf("gpt2-124m", "llama3-8b", "gpt-neox-20b", "chatglm-6b").map { Architectures[it] }

    test("every model can be chosen, every tip opens, and the console stays silent") {
        val page = tempdir().toPath().resolve("report.html")
        Files.writeString(page, Report(models).html().replace("</body>", "<script>$VISIT</script></body>"))
        val (document, log) = open(page)
        log.lines().filter { "CONSOLE" in it }.shouldBeEmpty()
        val seen = Regex("""<pre id="seen">([^<]*)</pre>""").find(document)!!.groupValues[1].trim().lines()
        seen shouldBe listOf(
            "gpt2-124m: 0 marked in it, pressed alone",
            "llama3-8b: 0 marked in it, pressed alone",
            "gpt-neox-20b: 0 marked in it, pressed alone",
            "chatglm-6b: 0 marked in it, pressed alone",
            "others are marked: true",
            "tips without words: 0",
            "tip closes: true",
            "wider than the window: false",
        )
    }

    test("tokens, layers and heads of two checkpoints can be chosen, every tip has words, and the console stays silent") {
        val root = tempdir().toPath()
        val (base, edited) = TinyCheckpoints.gpt2(
            root.resolve("base"),
        ) to TinyCheckpoints.changed(root.resolve("edited"), "blocks.1.ffn.down.weight")
        val page = root.resolve("report.html")
        kumiko("compare", "$base", "$edited", "--ids", "7,3,200", "--html", "$page").code shouldBe Exit.GOOD
        Files.writeString(page, Files.readString(page).replace("</body>", "<script>$VISIT_RUN</script></body>"))
        val (document, log) = open(page)
        log.lines().filter { "CONSOLE" in it }.shouldBeEmpty()
        val seen = Regex("""<pre id="seen">([^<]*)</pre>""").find(document)!!.groupValues[1].trim().lines()
        seen shouldBe listOf(
            "tokens 3, tables 2, rows 20",
            "another token changes the table: true",
            "layers 2, heads 3 and 3",
            "another layer changes a head: true",
            "cells of a head: 6 and 6, of another: 6",
            "cells of the stream: 9, of them marked 3",
            "tips without words: 0",
            "wider than the window: false",
        )
    }
})

/** As [VISIT], in what checkpoints computed. */
private const val VISIT_RUN = """
const seen = [];
const count = selector => document.querySelectorAll(selector).length;
const words = selector => document.querySelector(selector).textContent;
seen.push("tokens " + count(".token") + ", tables " + count("table.next") + ", rows " + count("table.next tbody tr"));
const before = words("[data-next='0']");
document.querySelector(".token[data-position='0']").click();
seen.push("another token changes the table: " + (before !== words("[data-next='0']")));
seen.push(`layers ${'$'}{layer.options.length}, heads ${'$'}{count("[data-look='0'] canvas")} and ${'$'}{count("[data-look='1'] canvas")}`);
const shades = () => [...document.querySelectorAll("[data-look='0'] .cell")].map(each => each.getAttribute("fill-opacity")).join();
const cells = [count("[data-look='0'] .cell"), count("[data-look='1'] .cell")];
const first = shades();
layer.value = layer.options[1].value;
layer.dispatchEvent(new Event("change"));
seen.push("another layer changes a head: " + (first !== shades()));
document.querySelectorAll("[data-look='0'] .heads button")[2].click();
seen.push(`cells of a head: ${'$'}{cells.join(" and ")}, of another: ${'$'}{count("[data-look='0'] .cell")}`);
const stream = [...document.querySelectorAll("#parted .cell")];
seen.push(`cells of the stream: ${'$'}{stream.length}, of them marked ${'$'}{stream.filter(each => Number(each.getAttribute("fill-opacity")) > 0).length}`);
seen.push("tips without words: " + [...document.querySelectorAll("[data-tip]")].filter(each => !each.dataset.tip.trim() || /NaN|undefined|null/.test(each.dataset.tip)).length);
seen.push("wider than the window: " + (document.documentElement.scrollWidth > innerWidth));
const result = document.createElement("pre");
result.id = "seen";
result.textContent = seen.join("\n");
document.body.append(result);
"""

/** Clicks all there is to click and writes what it saw. */
private const val VISIT = """
const seen = [];
let marked = true;
for (const button of document.querySelectorAll(".choose")) {
  button.click();
  const model = button.dataset.reference;
  const own = document.querySelectorAll(`figure[data-model="${'$'}{model}"] .differs`).length;
  const pressed = document.querySelectorAll(".choose[aria-pressed=true]");
  seen.push(`${'$'}{model}: ${'$'}{own} marked in it, pressed ${'$'}{pressed.length === 1 && pressed[0] === button ? "alone" : "wrongly"}`);
  marked &&= document.querySelectorAll("figure .differs").length > 0 && document.querySelectorAll("td.differs").length > 0;
}
seen.push("others are marked: " + marked);
const tips = [...document.querySelectorAll("[data-tip]")];
const empty = tips.filter(each => {
  each.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: 40, clientY: 40 }));
  return !tip.classList.contains("shown") || tip.textContent.trim() === "" || /NaN|undefined|null/.test(tip.textContent);
});
seen.push("tips without words: " + empty.length);
dispatchEvent(new KeyboardEvent("keydown", { key: "Escape" }));
seen.push("tip closes: " + !tip.classList.contains("shown"));
seen.push("wider than the window: " + (document.documentElement.scrollWidth > innerWidth));
const result = document.createElement("pre");
result.id = "seen";
result.textContent = seen.join("\n");
document.body.append(result);
"""

private val FLAGS = listOf(
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--window-size=900,1200",
    "--dump-dom",
)

/** The document as it is in the end, and the browser's log. */
private fun open(page: Path): Pair<String, String> {
    val profile = Files.createTempDirectory("profile")
    val (document, log) = profile.resolve("document") to profile.resolve("log")
    val command = listOf(chromium()!!) + FLAGS + listOf("--user-data-dir=${profile.resolve("data")}", page.toUri().toString())
    val browser = ProcessBuilder(command).redirectOutput(document.toFile()).redirectError(log.toFile()).start()
    try {
        check(browser.waitFor(2, TimeUnit.MINUTES)) { "the browser did not end" }
        return Files.readString(document) to Files.readString(log)
    } finally {
        browser.destroyForcibly()
        profile.toFile().deleteRecursively()
    }
}

private fun chromium(): String? = System.getenv("PATH").split(':').map {
    Path.of(it, "chromium")
}.firstOrNull { Files.isExecutable(it) }?.toString()

/** Says when it skips. */
class HasChromium : io.kotest.core.annotation.Condition {
    override fun evaluate(kclass: KClass<out Spec>): Boolean = (chromium() != null).also {
        if (!it) println("ReportInBrowserSpec is skipped: there is no chromium in the path")
    }
}
