package kumiko.cli.bench

import kumiko.cli.refuse
import java.lang.management.ManagementFactory
import java.nio.file.Path

/** Runs a command of this program in a JVM of its own that is started as this one was. */
internal object OwnProcess {
    /** What the command of [arguments] prints; what it says instead is refused. It ends with this process. */
    fun output(arguments: List<String>): String {
        val process = ProcessBuilder(command() + arguments).apply { environment()["KUMIKO_STDERR"] = "plain" }.start()
        val end = Thread(process::destroy)
        Runtime.getRuntime().addShutdownHook(end)
        try {
            val printed = process.inputReader().use { it.readText() }
            val said = process.errorReader().use { it.readLines() }
            val code = process.waitFor()
            if (code != 0) refuse("${arguments.joinToString(" ")} ended with exit code $code" + told(said))
            return printed
        } finally {
            process.destroy()
            Runtime.getRuntime().removeShutdownHook(end)
        }
    }

    private fun told(said: List<String>): String {
        val lines = said.filter { it.isNotEmpty() && !it.startsWith(ANNOUNCEMENT) }
        return if (lines.isEmpty()) "." else ":\n" + lines.joinToString("\n")
    }

    private fun command(): List<String> {
        val jvm = ManagementFactory.getRuntimeMXBean()
        return listOf("${Path.of(System.getProperty("java.home"), "bin", "java")}") + jvm.inputArguments +
            listOf("-cp", jvm.classPath, "kumiko.cli.MainKt")
    }

    /** The JVM says so of the Vector API, and no option silences that. */
    private const val ANNOUNCEMENT = "WARNING: Using incubator modules"
}
