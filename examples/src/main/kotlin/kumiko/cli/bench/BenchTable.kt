package kumiko.cli.bench

import com.github.ajalt.mordant.terminal.Terminal
import kumiko.cli.bench.BenchResult.Speed
import kumiko.cli.bytes
import kumiko.cli.printGrid
import kumiko.runtime.kernel.MachineLimits
import java.util.Locale
import kotlin.math.roundToLong

/** The result as a table for people. */
internal fun Terminal.printResult(result: BenchResult) {
    val threads = result.settings.options.threads()
    rawPrint("${result.name}, ${result.origin}, $threads ${if (threads == 1) "thread" else "threads"}, ${result.kernels}\n\n")
    printGrid(listOf("", "result", "work", "of the limit", "spread"), BenchRows(result).rows(), numbers = setOf(1, 2, 3, 4))
    rawPrint("\n${note(result)}\n")
}

private fun note(result: BenchResult): String {
    val pages = result.filesInLargePages?.takeIf { it < MOSTLY }?.let(::smallPages).orEmpty()
    return "Medians of ${result.settings.rounds} rounds after warming up for at least ${result.settings.warmth}; spread is slowest less " +
        "fastest.\nBefore every round the same threads read and multiply as fast as they can: shares are of that.\n" +
        "Files may lie in the system's cache.$pages"
}

private fun smallPages(large: Double): String = "\n\nOnly ${percent(
    large,
)} of the mapped files lies in large pages, as another program has read or written them in small pieces; weights are " +
    "read\nmore slowly so. `dd if=FILE iflag=nocache count=0` for each file lets Linux forget them, so that Kumiko reads them anew."

/** A share of files in large pages with which decoding was not seen to lose. */
private const val MOSTLY = 0.9

private class BenchRows(private val result: BenchResult) {
    private val limits = result.rounds.limits()

    fun rows(): List<List<String>> = listOfNotNull(
        limit("this machine reads", "B/s") { it.readBytesPerSecond() },
        result.weightBytesPerSecond.let { row("this machine reads, of these weights", rate(it.median, "B/s"), spread = it.spread) },
        limit("this machine multiplies, float32", "FLOP/s") { it.f32FlopsPerSecond() },
        limits.bf16()?.let { _ -> limit("this machine multiplies, bf16", "FLOP/s") { it.bf16()!! } },
        result.load.open?.let { row("open", time(it)) },
        row("compile, the first time", time(result.load.compile)),
        row("compile, again", time(result.load.compileAgain.median)),
        row("open to first token", time(result.load.firstToken)),
        prefill(result.prefill),
    ) + result.decode.flatMap(::decode) + memory()

    private fun limit(name: String, unit: String, limit: (MachineLimits) -> Double) =
        row(name, rate(limit(limits), unit), spread = result.rounds.spread(limit))

    private fun prefill(speed: Speed) =
        row("prefill ${speed.tokens}", tokens(speed), rate(speed.flopsPerSecond, "FLOP/s"), speed.shareOfPeak, speed.times.spread)

    private fun decode(speed: Speed): List<List<String>> {
        val name = "decode after ${result.settings.prefill}, ${speed.batch} at once"
        val single = result.decode.firstOrNull { it.batch == 1 }
        return listOfNotNull(
            row(name, tokens(speed), rate(speed.bytesPerSecond, "B/s"), speed.shareOfBandwidth, speed.times.spread),
            if (speed.batch == 1 || single == null) {
                null
            } else {
                row("  beside one alone", "%.1f x".format(Locale.ROOT, speed.tokensPerSecond / single.tokensPerSecond))
            },
            row("  Java heap allocated a token", bytes(speed.allocatedPerToken.roundToLong())),
        )
    }

    private fun memory() = listOfNotNull(
        result.peakResident?.let { row("memory at most, mapped files included", bytes(it)) },
        result.filesInLargePages?.let { row("mapped files, in large pages", percent(it)) },
        row("Java heap at most", bytes(result.peakHeap)),
    )

    private fun row(name: String, value: String, work: String = "", share: Double? = null, spread: Double? = null) =
        listOf(name, value, work, share?.let { percent(it) }.orEmpty(), spread?.let { percent(it) }.orEmpty())

    private fun tokens(speed: Speed) = "${number(speed.tokensPerSecond)} tokens/s"
}
