package kumiko.cli.bench

import kumiko.runtime.kernel.LimitsMeter
import kumiko.runtime.kernel.MachineLimits
import kumiko.runtime.run.Team
import java.lang.foreign.MemorySegment

/** Tells what the machine can do at this moment. */
internal interface Limits : AutoCloseable {
    /** Native memory that it takes until it is closed. */
    val bytes: Long

    /** Each limit once. */
    fun round(): MachineLimits

    /** Bytes a second that are read of what lies in these places, which some memory gives more slowly than other. */
    fun bytesPerSecond(places: List<MemorySegment>): Double

    /** The median of some rounds, for work that takes as long. */
    fun rounds(): MachineLimits = MachineLimits.median(List(FEW) { round() })

    private companion object {
        const val FEW = 5
    }
}

/** Measures them with as many [threads]. */
internal class MeasuredLimits(threads: Int) : Limits {
    private val team = Team(threads)
    private val meter = LimitsMeter(team)

    override val bytes: Long get() = LimitsMeter.BYTES

    override fun round(): MachineLimits = meter.round()

    override fun bytesPerSecond(places: List<MemorySegment>): Double = meter.bytesPerSecond(places)

    override fun close() {
        meter.close()
        team.close()
    }
}
