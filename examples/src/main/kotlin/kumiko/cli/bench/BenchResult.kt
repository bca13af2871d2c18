package kumiko.cli.bench

import kumiko.runtime.kernel.MachineLimits
import kumiko.runtime.run.Work

/** Everything that was measured, in seconds and bytes. */
internal data class BenchResult(
    val name: String,
    val origin: String,
    val kernels: String,
    val settings: BenchSettings,
    val limits: MachineLimits,
    val load: Load,
    val prefill: Speed,
    val decode: List<Speed>,
    val peakResident: Long?,
    val peakHeap: Long,
) {
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
    data class Speed(val batch: Int, val tokens: Int, val calls: Int, val work: Work, val rounds: Rounds, val allocated: Long) {
        val tokensPerSecond: Double get() = tokens / rounds.median
        val bytesPerSecond: Double get() = (work.weightBytes() + work.cacheBytes()) * calls / rounds.median
        val flopsPerSecond: Double get() = work.flops().toDouble() * calls / rounds.median
        val allocatedPerToken: Double get() = allocated.toDouble() / tokens

        fun shareOfBandwidth(limits: MachineLimits): Double = bytesPerSecond / limits.readBytesPerSecond()

        /** How much of the time the arithmetic needs at least, each part of it in its own numbers. */
        fun shareOfPeak(limits: MachineLimits): Double {
            val (all, bf16) = work.flops().toDouble() to work.bf16Flops().toDouble()
            return limits.seconds(all - bf16, bf16) * calls / rounds.median
        }
    }
}
