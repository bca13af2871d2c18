package kumiko.cli.bench

/** Everything that was measured of single linear layers. */
internal data class KernelResult(val settings: KernelSettings, val speeds: List<LinearSpeed>) {
    val rounds: List<Round> get() = speeds.flatMap { it.rounds }
}

/**
 * How fast a linear layer is; the seconds of a round are those of all copies.
 *
 * @property bf16Products see [kumiko.runtime.kernel.Kernels.bf16Products]
 */
internal data class LinearSpeed(val case: LinearCase, val bf16Products: Int, val rounds: List<Round>) {
    /** Of one product. */
    val times: Rounds = Rounds(rounds.map { it.seconds / case.copies })
    val bytesPerSecond: Double get() = case.bytes / times.median
    val flopsPerSecond: Double get() = case.flops / times.median
    val shareOfBandwidth: Double get() = rounds.share { case.copies * case.bytes / it.readBytesPerSecond() }
    val shareOfPeak: Double
        get() = (case.copies * case.flops.toDouble()).let { flops ->
            rounds.share { if (bf16Products == 0) it.seconds(flops, 0.0) else it.seconds(0.0, bf16Products * flops) }
        }
}
