package kumiko.cli.bench

import kumiko.runtime.run.Work

/**
 * Everything that was measured, in seconds and bytes.
 *
 * @property filesInLargePages share of the mapped files; null where there are none, or the system does not say
 */
internal data class BenchResult(
    val name: String,
    val origin: String,
    val kernels: String,
    val settings: BenchSettings,
    val load: Load,
    val prefill: Speed,
    val decode: List<Speed>,
    val peakResident: Long?,
    val filesInLargePages: Double?,
    val peakHeap: Long,
) {
    val rounds: List<Round> get() = (decode + prefill).flatMap { it.rounds }

    /** What the machine reads of the weights beside each round of decoding; some of its memory may be slower than other. */
    val weightBytesPerSecond: Rounds get() = Rounds(rounds.mapNotNull { it.weightBytesPerSecond })

    /**
     * How long it takes until a token is there, in a program that has done nothing of the kind before.
     *
     * @property open files to parameters; null where there are no files
     * @property compile spec to graph to program
     * @property firstToken all of it, and the prompt of a few ids
     * @property compileAgain when the JVM knows the work
     */
    data class Load(val open: Double?, val compile: Double, val firstToken: Double, val compileAgain: Rounds)

    /**
     * How fast calls are.
     *
     * @property tokens tokens of all sequences in one round
     * @property calls calls in one round
     * @property work what one of the calls needs
     * @property allocated bytes on the Java heap in the last round
     */
    data class Speed(val batch: Int, val tokens: Int, val calls: Int, val work: Work, val rounds: List<Round>, val allocated: Long) {
        val times: Rounds = Rounds(rounds.map { it.seconds })
        val tokensPerSecond: Double get() = tokens / times.median
        val bytesPerSecond: Double get() = bytes / times.median
        val flopsPerSecond: Double get() = work.flops().toDouble() * calls / times.median
        val allocatedPerToken: Double get() = allocated.toDouble() / tokens
        val shareOfBandwidth: Double get() = rounds.share { bytes / it.readBytesPerSecond() }

        /** Each part of the arithmetic in its own numbers. */
        val shareOfPeak: Double
            get() = rounds.share { calls * it.seconds(work.f32Flops().toDouble(), work.bf16Flops().toDouble()) }

        private val bytes: Double get() = (work.weightBytes() + work.cacheBytes()).toDouble() * calls
    }
}
