package kumiko.cli.bench

import kumiko.runtime.kernel.MachineLimits

/** The times of the same work, done several times. */
internal data class Rounds(val seconds: List<Double>) {
    val median: Double = median(seconds)

    /** Distance between the slowest and the fastest, as a share of the median. */
    val spread: Double = (seconds.max() - seconds.min()) / median

    companion object {
        fun of(count: Int, action: () -> Unit): Rounds = Rounds(List(count) { seconds(action) })
    }
}

/** [seconds] of work, and what the machine could do just before; where it reads weights also how many of their bytes a second. */
internal data class Round(val limits: MachineLimits, val seconds: Double, val weightBytesPerSecond: Double? = null)

/** The limits in the middle of all rounds. */
internal fun List<Round>.limits(): MachineLimits = MachineLimits.median(map { it.limits })

/** How far a limit went up and down meanwhile, as a share of the median. */
internal fun List<Round>.spread(limit: (MachineLimits) -> Double): Double = Rounds(map { limit(it.limits) }).spread

/** The share that work which takes [least] seconds has of the limits beside it: the median of all rounds. */
internal fun List<Round>.share(least: (MachineLimits) -> Double): Double = median(map { least(it.limits) / it.seconds })

/** The one in the middle, or the mean of the two. */
internal fun median(values: List<Double>): Double = values.sorted().let { (it[(it.size - 1) / 2] + it[it.size / 2]) / 2 }

/** How long [action] takes. */
internal fun seconds(action: () -> Unit): Double {
    val start = System.nanoTime()
    action()
    return (System.nanoTime() - start) / NANOS
}

/** How much the compiler of the JVM sees of what will be measured: [runs] at least, and [seconds] at least. */
internal data class Warmth(val runs: Int, val seconds: Double) {
    fun warm(action: () -> Unit) {
        var done = 0
        var spent = 0.0
        while (done < runs || spent < seconds) {
            spent += seconds(action)
            done++
        }
    }

    override fun toString(): String = "$runs runs and ${seconds.toInt()} seconds"

    companion object {
        val FULL = Warmth(runs = 2, seconds = 2.0)
    }
}

private const val NANOS = 1e9
