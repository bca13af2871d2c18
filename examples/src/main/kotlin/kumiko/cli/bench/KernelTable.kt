package kumiko.cli.bench

import com.github.ajalt.mordant.terminal.Terminal
import kumiko.cli.printGrid
import kumiko.runtime.kernel.Arithmetic

/** The result as a table for each size, for people. */
internal fun Terminal.printResult(result: KernelResult) {
    val (settings, limits) = result.settings to result.rounds.limits()
    val threads = settings.options.threads()
    rawPrint("$threads ${if (threads == 1) "thread" else "threads"}, ${kernels(settings)}\n")
    rawPrint(
        "this machine reads ${rate(limits.readBytesPerSecond(), "B/s")} (spread ${percent(
            result.rounds.spread {
                it.readBytesPerSecond()
            },
        )}), ",
    )
    rawPrint(
        "multiplies ${rate(limits.f32FlopsPerSecond(), "FLOP/s")} in float32 (${percent(
            result.rounds.spread {
                it.f32FlopsPerSecond()
            },
        )})",
    )
    limits.bf16()?.let { rawPrint(", ${rate(it, "FLOP/s")} in bf16") }
    rawPrint("\n")
    for ((size, speeds) in result.speeds.groupBy { it.case.size }) {
        rawPrint("\n")
        printGrid(listOf("weights $size", "rows") + FIGURES, speeds.map(::row), numbers = (1..7).toSet())
    }
    rawPrint("\n${note(settings)}\n")
}

/** The kernels, bf16 arithmetic included where it was measured. */
internal fun kernels(settings: KernelSettings): String {
    val arithmetic = settings.cases.maxOf { it.arithmetic }
    return settings.options.withArithmetic(arithmetic).kernels().describe()
}

private fun row(speed: LinearSpeed): List<String> = listOf(
    speed.case.dtype.name.lowercase() + if (speed.case.arithmetic == Arithmetic.BFLOAT16) " by bf16" else "",
    "${speed.case.rows}",
    time(speed.times.median),
    rate(speed.bytesPerSecond, "B/s"),
    percent(speed.shareOfBandwidth),
    rate(speed.flopsPerSecond, "FLOP/s"),
    percent(speed.shareOfPeak),
    percent(speed.times.spread),
)

private fun note(settings: KernelSettings): String =
    "Medians of ${settings.rounds} rounds after warming up for at least ${settings.warmth}; spread is slowest less fastest.\n" +
        "A round reads copies of the weight that no cache holds, and before each the machine is measured: shares are of that.\n" +
        "\"by bf16\" is --arithmetic bf16."

private val FIGURES = listOf("one product", "reads", "of the limit", "multiplies", "of the limit", "spread")
