package kumiko.cli.bench

import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.kernel.MachineLimits

/** Everything that was measured of single linear layers. */
internal data class KernelResult(val settings: KernelSettings, val speeds: List<LinearSpeed>) {
    /** Of all rounds. */
    val limits: MachineLimits get() = MachineLimits.median(all())

    /** Distance between the highest and the lowest of a limit, as a share of the median. */
    fun spread(limit: (MachineLimits) -> Double): Double = Rounds(all().map(limit)).spread

    private fun all(): List<MachineLimits> = speeds.flatMap { it.rounds }.map { it.limits }
}

/** How fast a linear layer is. A share is the median of what each round reached of the limits that were measured before it. */
internal data class LinearSpeed(val case: LinearCase, val rounds: List<Round>) {
    /** [seconds] of all copies. */
    data class Round(val limits: MachineLimits, val seconds: Double)

    /** Of one product. */
    val times: Rounds = Rounds(rounds.map { it.seconds / case.copies })
    val bytesPerSecond: Double get() = case.bytes / times.median
    val flopsPerSecond: Double get() = case.flops / times.median
    val shareOfBandwidth: Double get() = share { case.bytes / it.readBytesPerSecond() }
    val shareOfPeak: Double
        get() = share {
            if (case.arithmetic == Arithmetic.BFLOAT16) it.seconds(0.0, case.flops.toDouble()) else it.seconds(case.flops.toDouble(), 0.0)
        }

    /** [least] seconds that a product takes. */
    private fun share(least: (MachineLimits) -> Double): Double = median(rounds.map { least(it.limits) * case.copies / it.seconds })
}
