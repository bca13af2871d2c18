package kumiko.cli

/**
 * Runs the command lines among its arguments, each behind a `--`, one after the other in one process: the launcher has the JVM see them once,
 * and keeps what it loaded and linked for later starts.
 */
internal object Rehearsal {
    @JvmStatic
    fun main(arguments: Array<String>) {
        // Where real starts begin.
        Class.forName("kumiko.cli.MainKt")
        val starts = arguments.indices.filter { arguments[it] == "--" }
        for ((index, start) in starts.withIndex()) {
            CommandLine().run(arguments.slice(start + 1 until (starts.getOrNull(index + 1) ?: arguments.size)))
        }
    }
}
