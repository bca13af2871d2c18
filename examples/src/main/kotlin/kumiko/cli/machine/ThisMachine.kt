package kumiko.cli.machine

import com.github.ajalt.mordant.terminal.Terminal
import kumiko.cli.Progress
import kumiko.dsl.compare.Roofline
import kumiko.runtime.kernel.MachineLimits
import kumiko.runtime.run.Team
import java.lang.management.ManagementFactory
import java.util.Locale
import com.sun.management.OperatingSystemMXBean as System

/**
 * What a machine can do at most, and what it holds.
 *
 * @property threads that shared the work when [roofline] was measured
 * @property memoryBytes all of its memory, whether free or not
 */
internal data class ThisMachine(val roofline: Roofline, val threads: Int, val memoryBytes: Long) {
    /** One line for people. */
    override fun toString(): String = "this machine with $threads ${if (threads == 1) "thread" else "threads"}: " +
        "reads ${giga(roofline.bytesPerSecond)} GB/s, computes ${giga(roofline.flopsPerSecond)} GFLOP/s in float32, " +
        "has ${giga(memoryBytes.toDouble())} GB of memory"

    private fun giga(number: Double) = "%.1f".format(Locale.ROOT, number / 1e9)

    companion object {
        /** Measures for about a second. */
        fun measure(threads: Int?, terminal: Terminal): ThisMachine = Progress(terminal, "measuring this machine").use { progress ->
            progress.at(0, 1)
            val count = threads ?: Runtime.getRuntime().availableProcessors()
            val limits = Team(count).use { MachineLimits.measure(it) }
            val roofline = Roofline(limits.readBytesPerSecond(), limits.f32FlopsPerSecond())
            ThisMachine(roofline, count, (ManagementFactory.getOperatingSystemMXBean() as System).totalMemorySize)
        }
    }
}
