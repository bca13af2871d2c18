package kumiko.cli.bench

import kumiko.cli.grouped
import kumiko.runtime.kernel.MachineLimits
import java.util.Locale
import kotlin.math.roundToLong

/** `28.3 GB/s` */
internal fun rate(perSecond: Double, unit: String) = "${number(perSecond / GIGA)} G$unit"

/** Null where bf16 has no instructions of its own. */
internal fun MachineLimits.bf16(): Double? = if (bf16FlopsPerSecond().isPresent) bf16FlopsPerSecond().asDouble else null

/** `1.50 ms` */
internal fun time(seconds: Double) = when {
    seconds < 1e-3 -> "${number(1e6 * seconds)} µs"
    seconds < 1 -> "${number(1e3 * seconds)} ms"
    else -> "${number(seconds)} s"
}

/** `95.8%` */
internal fun percent(share: Double) = "%.1f%%".format(Locale.ROOT, 100 * share)

/** Three digits that count. */
internal fun number(value: Double): String =
    if (value >= 100) grouped(value.roundToLong()) else "%.${if (value >= 10) 1 else 2}f".format(Locale.ROOT, value)

private const val GIGA = 1e9
