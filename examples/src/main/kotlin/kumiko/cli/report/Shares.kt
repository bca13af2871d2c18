package kumiko.cli.report

import kumiko.cli.grouped
import kumiko.dsl.compare.Account
import kumiko.dsl.compare.Part
import java.util.Locale

/** How a whole is split among the parts of each model, every bar as long as the others; the whole stands behind it. */
internal fun shares(
    label: String,
    accounts: List<Account>,
    unit: String,
    shorten: (Long) -> String,
    value: (Account, Part) -> Long,
): String {
    val height = accounts.size * ROW + 4
    return Svg.picture(WIDTH, height, label, "chart shares") {
        accounts.forEachIndexed { index, account ->
            val y = index * ROW
            val whole = Part.entries.sumOf { value(account, it) }
            text(0.0, y + 13, account.spec.name, "class" to "name m$index")
            text(
                WIDTH,
                y + 13,
                "${shorten(whole)} $unit",
                "class" to "total",
                "text-anchor" to "end",
                "data-total" to whole,
                "data-model" to account.spec.name,
            )
            var x = 0.0
            Part.entries.filter { value(account, it) > 0 }.forEach { part ->
                val amount = value(account, part)
                val width = WIDTH * amount / whole
                val share = "%.1f %%".format(Locale.ROOT, 100.0 * amount / whole)
                val tip = "${account.spec.name}, $part\n${grouped(amount)} $unit\n$share"
                tag(
                    "rect",
                    "x" to x,
                    "y" to y + 20,
                    "width" to width,
                    "height" to BAR,
                    "class" to "part $part",
                    "tabindex" to -1,
                    "data-tip" to tip,
                )
                if (width > NAMED) {
                    text(
                        x + width / 2,
                        y + 20 + BAR / 2 + 4,
                        "%.0f %%".format(Locale.ROOT, 100.0 * amount / whole),
                        "class" to "share $part",
                        "text-anchor" to "middle",
                    )
                }
                x += width
            }
        }
    }
}

/** `20.6 B`, as parameters are counted. */
internal fun short(number: Long): String = scaled(number, "B")

/** `40.5 G`, as operations are counted. */
internal fun giga(number: Long): String = scaled(number, "G")

private fun scaled(number: Long, billion: String): String {
    val units = listOf(1e15 to "P", 1e12 to "T", 1e9 to billion, 1e6 to "M", 1e3 to "k")
    val (divisor, unit) = units.firstOrNull { number >= it.first } ?: return "$number"
    val value = number / divisor
    return "%.${if (value < 10) 2 else 1}f".format(Locale.ROOT, value) + " $unit"
}

private const val WIDTH = 420.0
private const val ROW = 58.0
private const val BAR = 24.0
private const val NAMED = 34.0
